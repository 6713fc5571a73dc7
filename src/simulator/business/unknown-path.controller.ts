import { All, Controller, HttpCode, NotFoundException, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isBusinessPath } from './business-path.js';
import { LiveTokenGuard } from '../wechat/live-token.guard.js';
import { findCall } from '../wechat/wechat-call.js';
import { WechatError } from '../wechat/wechat.errors.js';

/** Comes last: whatever no other controller answers. */
@Controller()
export class UnknownPathController {
  constructor(private readonly liveToken: LiveTokenGuard) {}

  /**
   * Under the prefixes of WeChat's APIs, a call with a live `access_token` succeeds, with any method and body. Every
   * other path is unknown to WeChat.
   */
  @All('*')
  @HttpCode(200)
  answer(@Req() request: FastifyRequest): { errcode: 0; errmsg: 'ok' } {
    const call = findCall(request);
    if (call === undefined) {
      throw new NotFoundException(
        `there is no control call ${request.method} ${request.url}; docs/simulator.md lists them`,
      );
    }
    if (!isBusinessPath(call.entry.path) || !call.query.has('access_token')) {
      throw new WechatError(40066);
    }
    this.liveToken.admit(call);
    return { errcode: 0, errmsg: 'ok' };
  }
}
