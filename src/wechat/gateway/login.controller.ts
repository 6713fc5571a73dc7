import { Controller, Get, Req, Res } from '@nestjs/common';
import {
  ApiDefaultResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientOf } from '../../access/current-client.decorator.js';
import { originOf } from '../../audit/origin.js';
import { DropInAccess } from '../../access/drop-in-access.decorator.js';
import { DropInProblem } from '../drop-in/drop-in.dto.js';
import { heldAppId } from '../drop-in/drop-in.request.js';
import { LOGIN_PATHS } from './gateway-rules.js';
import { GatewayService } from './gateway.service.js';
import { targetByHandle } from './gateway-target.js';
import { LoginGuard } from './login.guard.js';
import { requireLogin } from './login.policy.js';

/** The calls of WeChat's that take the AppSecret, with a client key in its place. */
@ApiTags('drop-in')
@ApiDefaultResponse({
  description: 'An error, with HTTP 200 as at WeChat',
  standardSchema: DropInProblem,
})
@Controller()
export class LoginController {
  constructor(private readonly gateway: GatewayService) {}

  @Get(LOGIN_PATHS.map((path) => path.slice(1)))
  @DropInAccess(LoginGuard, 'login')
  @ApiSecurity('wechat_secret', ['login'])
  @ApiOperation({
    summary: 'code2Session and the OAuth2 login of WeChat, with the AppSecret put in',
  })
  @ApiQuery({ name: 'appid', schema: { type: 'string' } })
  @ApiOkResponse({ description: "WeChat's answer, as it came" })
  login(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const appId = heldAppId(request);
    const target = targetByHandle(request.originalUrl);
    requireLogin(target, appId);
    const client = clientOf(request);
    const origin = originOf(request, client.id);
    return this.gateway.login({
      ...{ appId, client, target, origin },
      request: request.raw,
      response: reply.raw,
    });
  }
}
