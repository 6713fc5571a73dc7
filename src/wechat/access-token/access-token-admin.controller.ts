import { Controller, Get, HttpCode, Param, Post, Req, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { AdminGuard } from '../../access/admin.guard.js';
import { noteAudit } from '../../audit/audit-notes.js';
import { Audited } from '../../audit/audited.decorator.js';
import { originOf } from '../../audit/origin.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { ApiProblems } from '../../errors/api-problems.decorator.js';
import { ValidBody, ValidQuery } from '../../errors/validation.decorator.js';
import { describeCredential } from '../credentials/credential-state.js';
import type { CredentialSlot } from '../credentials/credential-slot.js';
import {
  AccountStateAnswer,
  AccountStates,
  RefreshAnswer,
  RefreshBody,
  WaitQuery,
} from './access-token.dto.js';
import { TokenRefreshService } from './token-refresh.service.js';
import { TokenService } from './token.service.js';

const REFRESH_WAIT_SECONDS = 20;

type AccountState = z.infer<typeof AccountStateAnswer>;

/** What an admin sees and may do. No answer holds a token. */
@ApiTags('admin')
@Controller('v1/admin/accounts')
@UseGuards(AdminGuard)
export class AccessTokenAdminController {
  constructor(
    private readonly tokens: TokenService,
    private readonly refreshes: TokenRefreshService,
    private readonly clock: DatabaseClock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The state of every account' })
  @ApiOkResponse({ standardSchema: AccountStates })
  @ApiProblems('database_unavailable')
  list(): z.infer<typeof AccountStates> {
    return { items: this.tokens.all().map((slot) => this.describe(slot)), next_cursor: null };
  }

  @Get(':app_id')
  @ApiOperation({ summary: 'The state of one account' })
  @ApiOkResponse({ standardSchema: AccountStateAnswer })
  @ApiProblems('account_not_found', 'database_unavailable')
  show(@Param('app_id') appId: string): AccountState {
    return this.describe(this.tokens.slotForAdmin(appId));
  }

  @Post(':app_id/access-token/refresh')
  @HttpCode(200)
  @Audited('token.refresh')
  @ApiOperation({ summary: 'Ask WeChat for a token now' })
  @ApiParam({ name: 'app_id', example: 'wx0123456789abcdef' })
  @ApiQuery({
    name: 'wait',
    required: false,
    description: 'Seconds to wait for the floor, 0 to 60.',
  })
  @ApiBody({ required: false })
  @ApiOkResponse({ standardSchema: RefreshAnswer })
  @ApiProblems(
    'validation_failed',
    'account_not_found',
    'rate_limited',
    'force_refresh_limited',
    'wechat_error',
    'wechat_unreachable',
    'wechat_timeout',
    'token_unavailable',
  )
  async refresh(
    @Req() request: FastifyRequest,
    @Param('app_id') appId: string,
    @ValidBody(RefreshBody) body: z.infer<typeof RefreshBody>,
    @ValidQuery(WaitQuery) { wait }: z.infer<typeof WaitQuery>,
  ): Promise<z.infer<typeof RefreshAnswer>> {
    const slot = this.tokens.slotForAdmin(appId);
    noteAudit(request, { versionBefore: slot.version });
    const rotated = await this.refreshes.refresh(slot, {
      force: body?.force ?? false,
      reason: body?.reason,
      waitMs: (wait ?? REFRESH_WAIT_SECONDS) * 1_000,
      origin: originOf(request, 'admin'),
    });
    const snapshot = await this.tokens.read(slot, 0);
    noteAudit(request, { versionAfter: snapshot.version });
    return {
      app_id: snapshot.appId,
      version: snapshot.version,
      expires_in: Math.floor((snapshot.expiresAtMs - this.clock.nowMs()) / 1_000),
      expires_at: snapshot.expiresAt,
      rotated,
    };
  }

  private describe(slot: CredentialSlot): AccountState {
    const { appId, name, mode, enabled } = slot.account;
    return {
      app_id: appId,
      name,
      mode,
      enabled,
      access_token: describeCredential(slot, this.clock.nowMs()),
    };
  }
}
