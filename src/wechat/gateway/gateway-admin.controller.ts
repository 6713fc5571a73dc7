import { Controller, Get, HttpCode, Param, Post, Req, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { AdminGuard } from '../../access/admin.guard.js';
import { GATEWAY_PRESET_NAMES } from '../../access/gateway-preset.js';
import { noteAudit } from '../../audit/audit-notes.js';
import { Audited } from '../../audit/audited.decorator.js';
import { ClientAdminService } from '../../clients/client-admin.service.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { ValidBody } from '../../http/validation.decorator.js';
import { Clock } from '../../time/clock.js';
import { AccountService } from '../accounts/account.service.js';
import { GatewayCheckAnswer, GatewayCheckBody, GatewayPresetList } from './gateway-admin.dto.js';
import { checkGatewayCall } from './gateway-check.js';
import { GATEWAY_PRESETS } from './gateway-presets.js';

/** What clients may call through the gateway, for those who give them their rules. */
@ApiTags('gateway')
@Controller('v1/admin')
@UseGuards(AdminGuard)
export class GatewayAdminController {
  constructor(
    private readonly clients: ClientAdminService,
    private readonly accounts: AccountService,
    private readonly clock: Clock,
  ) {}

  @Get('gateway/presets')
  @ApiOperation({ summary: 'The presets that a client’s gateway.allow may name' })
  @ApiOkResponse({ standardSchema: GatewayPresetList })
  presets(): GatewayPresetList {
    return {
      items: GATEWAY_PRESET_NAMES.map((name) => {
        const { description, rules } = GATEWAY_PRESETS[name];
        return { name, description, rules: rules.map(({ rule, source }) => ({ rule, source })) };
      }),
    };
  }

  /** A POST because of its body. It changes nothing, and has its row in the audit like every POST of an admin. */
  @Post('clients/:id/gateway/check')
  @Audited('gateway.check')
  @HttpCode(200)
  @ApiOperation({ summary: 'Whether a client may make a call at WeChat, without making it' })
  @ApiParam({ name: 'id', example: 'order-service' })
  @ApiOkResponse({ standardSchema: GatewayCheckAnswer })
  @ApiProblems('validation_failed', 'not_found')
  async check(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @ValidBody(GatewayCheckBody) { app_id: appId, method, path }: GatewayCheckBody,
  ): Promise<GatewayCheckAnswer> {
    const client = await this.clients.show(id);
    noteAudit(request, { target: id, appId });
    const account = this.accounts.find(appId);
    const call = { client, appId, account, method, path };
    const { wouldAllow, ...check } = checkGatewayCall(call, this.clock.wallMs());
    return { ...check, would_allow: wouldAllow };
  }
}
