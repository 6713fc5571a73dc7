import { Controller, Delete, Get, Patch, Post, Put, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientOf } from '../../access/current-client.decorator.js';
import { originOf } from '../../audit/origin.js';
import { DropInAccess } from '../../access/drop-in-access.decorator.js';
import { StreamedBody } from '../../http/streamed-body.js';
import { heldAppId } from '../drop-in/drop-in.request.js';
import { GatewayService } from './gateway.service.js';
import { targetByHandle } from './gateway-target.js';
import { HandleGuard } from './handle.guard.js';

/**
 * Every path that is not the service's own, for SDKs that have one address for all of WeChat: with a handle in
 * `access_token` it is called for them. Not in /openapi.json, since these paths are WeChat's.
 */
@ApiExcludeController()
@Controller()
export class HandleController {
  constructor(private readonly gateway: GatewayService) {}

  @Get('*')
  @StreamedBody()
  @DropInAccess(HandleGuard, 'gateway')
  get(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.call(request, reply);
  }

  @Post('*')
  @StreamedBody()
  @DropInAccess(HandleGuard, 'gateway')
  post(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.call(request, reply);
  }

  @Put('*')
  @StreamedBody()
  @DropInAccess(HandleGuard, 'gateway')
  put(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.call(request, reply);
  }

  @Patch('*')
  @StreamedBody()
  @DropInAccess(HandleGuard, 'gateway')
  patch(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.call(request, reply);
  }

  @Delete('*')
  @StreamedBody()
  @DropInAccess(HandleGuard, 'gateway')
  delete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.call(request, reply);
  }

  private call(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const target = targetByHandle(request.originalUrl);
    const client = clientOf(request);
    return this.gateway.call({
      appId: heldAppId(request),
      client,
      target,
      origin: originOf(request, client.id),
      request: request.raw,
      response: reply.raw,
    });
  }
}
