import { Controller, Get, Header, HttpCode, Post, Req } from '@nestjs/common';
import {
  ApiBody,
  ApiDefaultResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Client } from '../../access/client-directory.js';
import { CurrentClient } from '../../access/current-client.decorator.js';
import { DropInAccess } from '../../access/drop-in-access.decorator.js';
import { originOf } from '../../audit/origin.js';
import { ClientSecretGuard } from './client-secret.guard.js';
import { DropInTokenService } from './drop-in-token.service.js';
import { DropInProblem, DropInTokenAnswer, STABLE_TOKEN_BODY } from './drop-in.dto.js';
import type { Grant } from './drop-in.grant.js';
import { PresentedGrant } from './drop-in.request.js';

/** What an SDK asks WeChat for, answered here: with a client key in place of the AppSecret. */
@ApiTags('drop-in')
@ApiDefaultResponse({
  description: 'An error, with HTTP 200 as at WeChat',
  standardSchema: DropInProblem,
})
@Controller('cgi-bin')
export class DropInTokenController {
  constructor(private readonly answers: DropInTokenService) {}

  @Get('token')
  @Header('cache-control', 'no-store')
  @DropInAccess(ClientSecretGuard, 'token:read')
  @ApiSecurity('wechat_secret', ['token:read'])
  @ApiOperation({ summary: 'getAccessToken of WeChat, for SDKs; fetches nothing' })
  @ApiQuery({ name: 'grant_type', schema: { type: 'string', enum: ['client_credential'] } })
  @ApiQuery({ name: 'appid', schema: { type: 'string' } })
  @ApiOkResponse({ standardSchema: DropInTokenAnswer })
  token(
    @PresentedGrant() grant: Grant,
    @CurrentClient() client: Client,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof DropInTokenAnswer>> {
    const origin = originOf(request, client.id);
    return this.answers.answer(grant.appId, { client, origin, force: false });
  }

  @Post('stable_token')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @DropInAccess(ClientSecretGuard, 'token:read')
  @ApiSecurity('wechat_secret', ['token:read'])
  @ApiOperation({ summary: 'getStableAccessToken of WeChat, for SDKs; fetches nothing' })
  @ApiBody({ schema: STABLE_TOKEN_BODY })
  @ApiOkResponse({ standardSchema: DropInTokenAnswer })
  stableToken(
    @PresentedGrant() grant: Grant,
    @CurrentClient() client: Client,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof DropInTokenAnswer>> {
    const origin = originOf(request, client.id);
    const force = grant.forceRefresh;
    return this.answers.answer(grant.appId, { client, origin, force });
  }
}
