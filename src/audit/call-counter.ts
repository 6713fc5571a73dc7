import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { DatabaseClock } from '../database/database-clock.js';
import { toDatabaseError } from '../database/database-error.js';
import { RetentionService } from '../database/retention.service.js';
import { REPLICA } from '../observability/replica.js';
import { JoinedRound } from '../time/joined-round.js';
import type { AuditAction } from './audit-action.js';
import { AuditTrailService, type AuditEntry } from './audit-trail.service.js';
import { CallCountEntity } from './call-count.entity.js';
import { CallCountRepository, type CallCountRow } from './call-count.repository.js';
import type { Origin } from './origin.js';

export interface CountedCall {
  readonly action: AuditAction;
  readonly appId: string;
  readonly origin: Origin;
  readonly outcome: string;
  /** What of the account was called, such as a rule of the gateway. Never a secret. */
  readonly target?: string | null;
  /** Of the token. */
  readonly version?: number | null;
}

interface Counted extends Omit<CallCountRow, 'id' | 'replica' | 'calls' | 'source' | 'requestId'> {
  calls: number;
  source: string;
  requestId: string;
}

const MINUTE_MS = 60_000;
/** What is kept while the database is away. */
const MOST_ROWS = 10_000;

/**
 * Counts calls of clients by action, client, account, target, version, outcome and minute, away from the requests:
 * ten thousand servers that report one dead token cost one row, and a statement each few seconds.
 */
@Injectable()
export class CallCounter implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(CallCounter.name);
  /** By all that is counted apart. */
  private rows = new Map<string, Counted>();
  private droppedCalls = 0;
  private readonly round = new JoinedRound(() => this.write());

  constructor(
    private readonly repository: CallCountRepository,
    private readonly trail: AuditTrailService,
    private readonly retention: RetentionService,
    private readonly clock: DatabaseClock,
  ) {}

  onModuleInit(): void {
    this.trail.register({
      name: 'call',
      find: async (query) => (await this.repository.find(query)).map(toEntry),
    });
    this.retention.register({ name: 'wtc_call_count', entity: CallCountEntity, since: 'at' });
  }

  count({ action, appId, origin, outcome, target = null, version = null }: CountedCall): void {
    const at = Math.floor(this.clock.nowMs() / MINUTE_MS) * MINUTE_MS;
    const { actor: client, source, requestId } = origin;
    // The key is only made here, so a blank between its parts is enough: none but the last may hold one.
    const key = `${at} ${action} ${client} ${appId} ${version} ${outcome} ${target}`;
    const known = this.rows.get(key);
    if (known === undefined) {
      const counted = { at, action, client, appId, target, version, outcome, source, requestId };
      this.keep(key, { ...counted, calls: 1 });
    } else {
      known.calls += 1;
      known.source = source;
      known.requestId = requestId;
    }
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

  private keep(key: string, counted: Counted): void {
    const known = this.rows.get(key);
    if (known === undefined && this.rows.size >= MOST_ROWS) {
      this.droppedCalls += counted.calls;
      return;
    }
    this.rows.set(key, { ...counted, calls: counted.calls + (known?.calls ?? 0) });
  }

  private async write(): Promise<void> {
    const taken = [...this.rows];
    this.rows = new Map();
    this.logDropped();
    try {
      for (let [entry] = taken; entry !== undefined; [entry] = taken) {
        const [key, counted] = entry;
        await this.repository.add({ ...counted, id: idOf(key), replica: REPLICA });
        taken.shift();
      }
    } catch (error) {
      this.putBack(taken);
      this.logger.warn({
        event: 'call_counts_not_stored',
        rows: taken.length,
        reason: toDatabaseError(error).driverCode,
        advice: 'they are kept, and written when the database is back',
      });
    }
  }

  /** Whose address and request id are the last ones, those that came meanwhile know. */
  private putBack(rows: readonly (readonly [string, Counted])[]): void {
    const meanwhile = [...this.rows];
    this.rows = new Map();
    for (const [key, row] of [...rows, ...meanwhile]) {
      this.keep(key, row);
    }
  }

  private logDropped(): void {
    if (this.droppedCalls > 0) {
      this.logger.error({ event: 'call_counts_dropped', calls: this.droppedCalls });
      this.droppedCalls = 0;
    }
  }
}

function toEntry({ at, client, version, calls, ...row }: CallCountRow): AuditEntry {
  return {
    ...row,
    atMs: at,
    actor: client,
    count: calls,
    versionBefore: null,
    versionAfter: version,
    reason: null,
  };
}

function idOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 32);
}
