import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { AdminGuard } from '../../access/admin.guard.js';
import { decodeCursor, toPage, type Page } from '../../http/page.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { ValidQuery } from '../../http/validation.decorator.js';
import { accountNotFound } from '../accounts/account.errors.js';
import { AccountService } from '../accounts/account.service.js';
import { TokenService } from '../access-token/token.service.js';
import type { RefreshHistoryEntity } from '../refresh-history/refresh-history.entity.js';
import { RefreshHistoryRepository } from '../refresh-history/refresh-history.repository.js';
import type { RefreshOutcome } from '../refresh-history/refresh-outcome.js';
import { versionAfter } from '../refresh-history/refresh-history.service.js';
import {
  RefreshesCursor,
  RefreshesQuery,
  RefreshPage,
  type RefreshItem,
} from './refresh-history.dto.js';

/** What was asked of WeChat for an account, by whom, and what came of it. */
@ApiTags('admin')
@Controller('v1/admin/accounts/:app_id/refreshes')
@UseGuards(AdminGuard)
export class RefreshHistoryController {
  constructor(
    private readonly history: RefreshHistoryRepository,
    private readonly accounts: AccountService,
    private readonly tokens: TokenService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The refreshes of an account, newest first, also after its removal' })
  @ApiParam({ name: 'app_id', example: 'wx0123456789abcdef' })
  @ApiOkResponse({ standardSchema: RefreshPage })
  @ApiProblems('validation_failed', 'account_not_found', 'database_unavailable')
  async list(
    @Param('app_id') appId: string,
    @ValidQuery(RefreshesQuery) query: z.infer<typeof RefreshesQuery>,
  ): Promise<Page<RefreshItem>> {
    const { kind, outcome, cause, limit } = query;
    const after = decodeCursor(RefreshesCursor, query.cursor);
    this.assertKnown(appId);
    const filter = { appId, kind, outcome, cause };
    const rows = await this.history.find({ ...filter, after, limit: limit + 1 });
    return toPage(rows, limit, toItem, ({ startedAt, credentialId }) => ({
      atMs: startedAt,
      id: credentialId,
    }));
  }

  /** What was asked of WeChat for an account stays to be read after its removal. */
  private assertKnown(appId: string): void {
    this.tokens.assertLoaded();
    if (!this.accounts.hasKnown(appId)) {
      throw accountNotFound();
    }
  }
}

function toItem(row: RefreshHistoryEntity): RefreshItem {
  return {
    at: new Date(row.startedAt).toISOString(),
    kind: row.kind,
    cause: row.cause,
    forced: row.forced === 1,
    outcome: (row.outcome as RefreshOutcome | null) ?? 'started',
    code: row.code,
    errcode: row.errcode,
    duration: row.endedAt === null ? null : (row.endedAt - row.startedAt) / 1_000,
    version: versionAfter(row),
    replica: row.replica,
    actor: row.actor,
    request_id: row.requestId,
  };
}
