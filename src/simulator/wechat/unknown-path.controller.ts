import { All, Controller, NotFoundException, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { findCall } from './wechat-call.js';
import { WechatError } from './wechat.errors.js';

/** Comes last: whatever no other controller answers. */
@Controller()
export class UnknownPathController {
  @All('*')
  refuse(@Req() request: FastifyRequest): never {
    if (findCall(request) === undefined) {
      throw new NotFoundException(
        `there is no control call ${request.method} ${request.url}; docs/simulator.md lists them`,
      );
    }
    throw new WechatError(40066);
  }
}
