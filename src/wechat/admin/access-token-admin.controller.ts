import { Controller, HttpCode, Param, Post, Req, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { AdminGuard } from '../../access/admin.guard.js';
import { noteAudit } from '../../audit/audit-notes.js';
import { Audited } from '../../audit/audited.decorator.js';
import { originOf } from '../../audit/origin.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { ValidBody, ValidQuery } from '../../http/validation.decorator.js';
import { WaitQuery } from '../access-token/access-token.dto.js';
import { TokenService } from '../access-token/token.service.js';
import { RefreshAnswer, RefreshBody } from './token-refresh.dto.js';
import { TokenRefreshService } from './token-refresh.service.js';

const REFRESH_WAIT_SECONDS = 20;

/** What an admin may do with a token. No answer holds it. */
@ApiTags('admin')
@Controller('v1/admin/accounts')
@UseGuards(AdminGuard)
export class AccessTokenAdminController {
  constructor(
    private readonly tokens: TokenService,
    private readonly refreshes: TokenRefreshService,
    private readonly clock: DatabaseClock,
  ) {}

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
    'forbidden',
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
    noteAudit(request, { versionBefore: this.tokens.requireForAdmin(appId).version });
    const rotated = await this.refreshes.refresh(appId, {
      force: body?.force ?? false,
      reason: body?.reason,
      waitMs: (wait ?? REFRESH_WAIT_SECONDS) * 1_000,
      origin: originOf(request, 'admin'),
    });
    const snapshot = await this.tokens.read(appId, 0);
    noteAudit(request, { versionAfter: snapshot.version });
    return {
      app_id: snapshot.appId,
      version: snapshot.version,
      expires_in: Math.floor((snapshot.expiresAtMs - this.clock.nowMs()) / 1_000),
      expires_at: snapshot.expiresAt,
      rotated,
    };
  }
}
