import {
  Controller,
  Delete,
  Get,
  NotFoundException,
  Patch,
  Post,
  Put,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClientGuard } from '../../access/client.guard.js';
import { clientOf } from '../../access/current-client.decorator.js';
import { originOf } from '../../audit/origin.js';
import { RequireScope } from '../../access/require-scope.decorator.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { StreamedBody } from '../../http/streamed-body.js';
import { GatewayService, type GatewayCall } from './gateway.service.js';
import { targetByKey } from './gateway-target.js';
import { LOGIN_PATHS } from './gateway-rules.js';
import { requireLogin } from './login.policy.js';

const PATH = { name: 'path', example: 'cgi-bin/draft/add' };
const WECHATS_ANSWER = 'Status, body and type of the content as WeChat answered.';

/** Calls WeChat for a client that shows its key. Node's request and response go through: nothing is parsed here. */
@ApiTags('gateway')
@ApiParam({ name: 'app_id', example: 'wx0123456789abcdef' })
@Controller('v1/accounts/:app_id/gateway')
@UseGuards(ClientGuard)
@ApiProblems(
  'gateway_refused',
  'rate_limited',
  'wechat_error',
  'wechat_unreachable',
  'token_unavailable',
  'wechat_timeout',
)
export class GatewayController {
  constructor(private readonly gateway: GatewayService) {}

  @Get(LOGIN_PATHS.map((path) => path.slice(1)))
  @RequireScope('login')
  @ApiOperation({ summary: 'Exchange a login code; the AppSecret is put in for `secret`' })
  @ApiOkResponse({ description: WECHATS_ANSWER })
  @ApiProblems('validation_failed')
  login(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const call = callOf(request, reply);
    requireLogin(call.target, call.appId);
    return this.gateway.login(call);
  }

  @Get('*')
  @ApiParam(PATH)
  @RequireScope('gateway')
  @StreamedBody()
  @ApiOperation({ summary: 'Call WeChat with GET' })
  @ApiOkResponse({ description: WECHATS_ANSWER })
  get(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.gateway.call(callOf(request, reply));
  }

  @Post('*')
  @ApiParam(PATH)
  @RequireScope('gateway')
  @StreamedBody()
  @ApiOperation({ summary: 'Call WeChat with POST' })
  @ApiOkResponse({ description: WECHATS_ANSWER })
  @ApiProblems('payload_too_large', 'length_required')
  post(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.gateway.call(callOf(request, reply));
  }

  @Put('*')
  @ApiParam(PATH)
  @RequireScope('gateway')
  @StreamedBody()
  @ApiOperation({ summary: 'Call WeChat with PUT' })
  @ApiOkResponse({ description: WECHATS_ANSWER })
  @ApiProblems('payload_too_large', 'length_required')
  put(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.gateway.call(callOf(request, reply));
  }

  @Patch('*')
  @ApiParam(PATH)
  @RequireScope('gateway')
  @StreamedBody()
  @ApiOperation({ summary: 'Call WeChat with PATCH' })
  @ApiOkResponse({ description: WECHATS_ANSWER })
  @ApiProblems('payload_too_large', 'length_required')
  patch(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.gateway.call(callOf(request, reply));
  }

  @Delete('*')
  @ApiParam(PATH)
  @RequireScope('gateway')
  @StreamedBody()
  @ApiOperation({ summary: 'Call WeChat with DELETE' })
  @ApiOkResponse({ description: WECHATS_ANSWER })
  @ApiProblems('payload_too_large', 'length_required')
  delete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.gateway.call(callOf(request, reply));
  }
}

function callOf(request: FastifyRequest, reply: FastifyReply): GatewayCall {
  const target = targetByKey(request.raw.url ?? '');
  if (target === undefined) {
    // The router decodes before it compares; what is ours of the path must be written as it is.
    throw new NotFoundException();
  }
  const { app_id: appId } = request.params as { app_id: string };
  const client = clientOf(request);
  const origin = originOf(request, client.id);
  return { appId, client, target, origin, request: request.raw, response: reply.raw };
}
