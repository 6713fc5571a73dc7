import { Controller, Get, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { AdminGuard } from '../access/admin.guard.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { decodeCursor, toPage, type Page } from '../http/page.js';
import { ValidQuery } from '../http/validation.decorator.js';
import { AuditTrailService, type TrailEntry } from './audit-trail.service.js';
import {
  AuditCursor,
  AuditPage,
  AuditQueryFields,
  ReadsCursor,
  ReadsPage,
  ReadsQueryFields,
  type AuditItem,
  type ReadsItem,
} from './audit.dto.js';
import { ReadCountRepository, type MinuteOfReads } from './read-count.repository.js';

/** Who did what, and who reads how much. No answer holds a token or a key. */
@ApiTags('admin')
@Controller('v1/admin')
@UseGuards(AdminGuard)
@ApiProblems('validation_failed', 'database_unavailable')
export class AuditController {
  constructor(
    private readonly trail: AuditTrailService,
    private readonly readCounts: ReadCountRepository,
  ) {}

  @Get('audit')
  @ApiOperation({ summary: 'Every action of an admin, every report and every refresh' })
  @ApiOkResponse({ standardSchema: AuditPage })
  async list(
    @ValidQuery(AuditQueryFields) query: z.infer<typeof AuditQueryFields>,
  ): Promise<Page<AuditItem>> {
    const { app_id: appId, actor, action, outcome, since: sinceMs, until: untilMs, limit } = query;
    const after = decodeCursor(AuditCursor, query.cursor);
    const filter = { appId, actor, action, outcome, sinceMs, untilMs };
    const entries = await this.trail.find(filter, after, limit + 1);
    return toPage(entries, limit, toAuditItem, ({ position }) => position);
  }

  @Get('reads')
  @ApiOperation({ summary: 'How often each client read each account, by the minute' })
  @ApiOkResponse({ standardSchema: ReadsPage })
  async reads(
    @ValidQuery(ReadsQueryFields) query: z.infer<typeof ReadsQueryFields>,
  ): Promise<Page<ReadsItem>> {
    const { app_id: appId, client, since: sinceMs, until: untilMs, limit } = query;
    const after = decodeCursor(ReadsCursor, query.cursor);
    const filter = { appId, client, sinceMs, untilMs, after };
    const minutes = await this.readCounts.find({ ...filter, limit: limit + 1 });
    return toPage(minutes, limit, toReadsItem, ({ at, client: by, appId: of, kind }) => ({
      atMs: at,
      client: by,
      appId: of,
      kind,
    }));
  }
}

function toAuditItem(entry: TrailEntry): AuditItem {
  return {
    id: entry.id,
    at: new Date(entry.atMs).toISOString(),
    actor: entry.actor,
    action: entry.action,
    app_id: entry.appId,
    target: entry.target,
    outcome: entry.outcome,
    count: entry.count,
    source: entry.source,
    request_id: entry.requestId,
    version_before: entry.versionBefore,
    version_after: entry.versionAfter,
    replica: entry.replica,
    reason: entry.reason,
  };
}

function toReadsItem({ at, client, appId, kind, reads }: MinuteOfReads): ReadsItem {
  return { at: new Date(at).toISOString(), client, app_id: appId, kind, reads };
}
