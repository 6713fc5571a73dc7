import { Injectable, type OnModuleInit } from '@nestjs/common';
import { declareAuditAction } from '../../audit/audit-action.js';
import {
  AuditTrailService,
  type AuditEntry,
  type AuditQuery,
} from '../../audit/audit-trail.service.js';
import { RetentionService } from '../../database/retention.service.js';
import { RefreshHistoryEntity } from './refresh-history.entity.js';
import { RefreshHistoryRepository } from './refresh-history.repository.js';
import { REFRESH_OUTCOMES } from './refresh-outcome.js';

const ACTION = declareAuditAction(
  'credential.refresh',
  REFRESH_OUTCOMES.map((outcome) => (outcome === 'failed' ? 'failed:<code>' : outcome)),
);
/** Of rows that a process wrote which did not know who asked. */
const NOBODY = 'service';

/** Each refresh, as the audit and the retention know it. */
@Injectable()
export class RefreshHistoryService implements OnModuleInit {
  constructor(
    private readonly repository: RefreshHistoryRepository,
    private readonly trail: AuditTrailService,
    private readonly retention: RetentionService,
  ) {}

  onModuleInit(): void {
    this.trail.register({ name: 'refresh', find: (query) => this.find(query) });
    this.retention.register({
      name: 'wtc_refresh_history',
      entity: RefreshHistoryEntity,
      since: 'startedAt',
    });
  }

  private async find(query: AuditQuery): Promise<AuditEntry[]> {
    if (query.action !== undefined && query.action !== ACTION) {
      return [];
    }
    const { outcome: asked, ...filter } = query;
    const [word, code] = asked?.split(':') ?? [];
    const outcome = REFRESH_OUTCOMES.find((known) => known === word);
    if (word !== outcome) {
      return [];
    }
    return (await this.repository.find({ ...filter, outcome, code })).map(toEntry);
  }
}

/** The version that was stored after it, as far as its row tells. */
export function versionAfter(row: RefreshHistoryEntity): number | null {
  return row.outcome === 'committed' ? row.fence : row.versionBefore;
}

function toEntry(row: RefreshHistoryEntity): AuditEntry {
  const outcome = row.outcome ?? 'started';
  return {
    id: row.credentialId,
    atMs: row.startedAt,
    actor: row.actor ?? NOBODY,
    action: ACTION,
    appId: row.appId,
    target: row.kind,
    outcome: row.code === null ? outcome : `${outcome}:${row.code}`,
    count: 1,
    source: row.source,
    requestId: row.requestId,
    versionBefore: row.versionBefore,
    versionAfter: versionAfter(row),
    replica: row.replica,
    reason: null,
  };
}
