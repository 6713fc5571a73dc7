import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { declareAuditAction } from '../../audit/audit-action.js';
import {
  AuditTrailService,
  type AuditEntry,
  type AuditQuery,
} from '../../audit/audit-trail.service.js';
import type { Origin } from '../../audit/origin.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { toDatabaseError } from '../../database/database-error.js';
import { RetentionService } from '../../database/retention.service.js';
import { REPLICA } from '../../observability/replica.js';
import { JoinedRound } from '../../time/joined-round.js';
import { REPORT_OUTCOMES } from './report-outcome.js';
import { ReportCountEntity } from './report-count.entity.js';
import { ReportCountRepository, type ReportCountRow } from './report-count.repository.js';

export interface CountedReport {
  readonly appId: string;
  readonly version: number;
  readonly outcome: string;
  readonly origin: Origin;
}

const MINUTE_MS = 60_000;
/** What is kept while the database is away. */
const MOST_ROWS = 10_000;
const ACTION = declareAuditAction('token.report', [...REPORT_OUTCOMES, 'failed:<code>']);

/**
 * Counts reports by client, account, version, outcome and minute, away from the requests: ten thousand
 * servers that report one dead token cost one row, and a statement each few seconds.
 */
@Injectable()
export class ReportCounter implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ReportCounter.name);
  private rows = new Map<string, ReportCountRow>();
  private droppedReports = 0;
  private readonly round = new JoinedRound(() => this.write());

  constructor(
    private readonly repository: ReportCountRepository,
    private readonly trail: AuditTrailService,
    private readonly retention: RetentionService,
    private readonly clock: DatabaseClock,
  ) {}

  onModuleInit(): void {
    this.trail.register({ name: 'report', find: (query) => this.find(query) });
    this.retention.register({ name: 'wtc_report_count', entity: ReportCountEntity, since: 'at' });
  }

  count({ appId, version, outcome, origin }: CountedReport): void {
    const at = Math.floor(this.clock.nowMs() / MINUTE_MS) * MINUTE_MS;
    const { actor: client, source, requestId } = origin;
    const counted = { at, client, appId, version, outcome, source, requestId };
    this.keep({ ...counted, id: idOf(counted), reports: 1, replica: REPLICA });
  }

  /** Writes what was counted. A round under way is joined. Never rejects. */
  flush(): Promise<void> {
    return this.round.run();
  }

  /** After the last answer was given, and before the database is closed. */
  async onApplicationShutdown(): Promise<void> {
    await this.round.ended();
    await this.flush();
  }

  private keep(counted: ReportCountRow): void {
    const known = this.rows.get(counted.id);
    if (known === undefined && this.rows.size >= MOST_ROWS) {
      this.droppedReports += counted.reports;
      return;
    }
    this.rows.set(counted.id, { ...counted, reports: counted.reports + (known?.reports ?? 0) });
  }

  private async write(): Promise<void> {
    const taken = [...this.rows.values()];
    this.rows = new Map();
    this.reportDropped();
    try {
      for (let [row] = taken; row !== undefined; [row] = taken) {
        await this.repository.add(row);
        taken.shift();
      }
    } catch (error) {
      this.putBack(taken);
      this.logger.warn({
        event: 'report_counts_not_stored',
        rows: taken.length,
        reason: toDatabaseError(error).driverCode,
        advice: 'they are kept, and written when the database is back',
      });
    }
  }

  /** Whose address and request id are the last ones, those that came meanwhile know. */
  private putBack(rows: readonly ReportCountRow[]): void {
    const meanwhile = [...this.rows.values()];
    this.rows = new Map();
    for (const row of [...rows, ...meanwhile]) {
      this.keep(row);
    }
  }

  private reportDropped(): void {
    if (this.droppedReports > 0) {
      this.logger.error({ event: 'report_counts_dropped', reports: this.droppedReports });
      this.droppedReports = 0;
    }
  }

  private async find(query: AuditQuery): Promise<AuditEntry[]> {
    if (query.action !== undefined && query.action !== ACTION) {
      return [];
    }
    return (await this.repository.find(query)).map(toEntry);
  }
}

function toEntry({ at, client, version, reports, ...row }: ReportCountRow): AuditEntry {
  return {
    ...row,
    atMs: at,
    actor: client,
    action: ACTION,
    target: null,
    count: reports,
    versionBefore: null,
    versionAfter: version,
    reason: null,
  };
}

function idOf(counted: Omit<ReportCountRow, 'id' | 'reports' | 'replica'>): string {
  const { at, client, appId, version, outcome } = counted;
  const text = [at, client, appId, version, outcome].join(' ');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
