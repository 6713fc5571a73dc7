import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { toDatabaseError } from '../database/database-error.js';
import { DatabaseClock } from '../database/database-clock.js';
import { RetentionService } from '../database/retention.service.js';
import { JoinedRound } from '../time/joined-round.js';
import { ReadCountEntity } from './read-count.entity.js';
import { ReadCountRepository, type ReadCountRow } from './read-count.repository.js';

/** What is read: a credential's snapshot is one. */
export interface ReadSubject {
  readonly appId: string;
  readonly kind: string;
}

export interface Reader {
  readonly id: string;
}

/** Who shows an access_token in place of a key, as at WeChat. The id is reserved: no client has it. */
export const TOKEN_HOLDER: Reader = { id: 'token-holder' };

interface Counter {
  reads: number;
}

/** By reader first: one client that goes through a thousand accounts stays with one inner map. */
type Counters = Map<Reader, Map<ReadSubject, Counter>>;

const MINUTE_MS = 60_000;
const BATCH_ROWS = 200;
/** What is kept while the database is away: some hours of a usual load, and a few megabytes at most. */
const MOST_BATCHES = 100;

/**
 * Counts reads by client, credential and minute. It stands on the hot path, so a read costs two look-ups
 * by identity and an addition: no text is put together, nothing is awaited.
 *
 *   count ──▶ counters ──(once a minute: swapped whole)──▶ batches of rows ──▶ database
 *
 * A batch keeps its rows' ids until the database has taken it, so that a try whose answer was lost is not
 * counted twice.
 */
@Injectable()
export class ReadCounter implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ReadCounter.name);
  private counters: Counters = new Map();
  private beganAtMs = 0;
  private batches: (readonly ReadCountRow[])[] = [];
  private readonly round = new JoinedRound(() => this.write());

  constructor(
    private readonly repository: ReadCountRepository,
    private readonly retention: RetentionService,
    private readonly clock: DatabaseClock,
  ) {}

  onModuleInit(): void {
    this.beganAtMs = this.clock.nowMs();
    this.retention.register({ name: 'wtc_read_count', entity: ReadCountEntity, since: 'at' });
  }

  /** Both by identity: an object that takes another's place begins a counter of its own. */
  count(reader: Reader, subject: ReadSubject): void {
    const counter = this.counters.get(reader)?.get(subject) ?? this.begin(reader, subject);
    counter.reads += 1;
  }

  /** Writes what was counted. A round under way is joined. Never rejects. */
  flush(): Promise<void> {
    this.closeMinute();
    return this.round.run();
  }

  /** After the last answer was given, and before the database is closed. */
  async onApplicationShutdown(): Promise<void> {
    await this.round.ended();
    await this.flush();
  }

  private begin(reader: Reader, subject: ReadSubject): Counter {
    const counter = { reads: 0 };
    const subjects = this.counters.get(reader) ?? new Map<ReadSubject, Counter>();
    this.counters.set(reader, subjects.set(subject, counter));
    return counter;
  }

  private closeMinute(): void {
    const { counters, beganAtMs } = this;
    const nowMs = this.clock.nowMs();
    this.counters = new Map();
    this.beganAtMs = nowMs;
    // The middle lies in the minute that is meant, however late its end was noticed.
    const at = Math.floor((beganAtMs + nowMs) / 2 / MINUTE_MS) * MINUTE_MS;
    const rows = rowsOf(counters, at);
    for (let first = 0; first < rows.length; first += BATCH_ROWS) {
      this.batches.push(rows.slice(first, first + BATCH_ROWS));
    }
    this.dropOldest();
  }

  private dropOldest(): void {
    const dropped = this.batches.splice(0, Math.max(0, this.batches.length - MOST_BATCHES)).flat();
    if (dropped.length > 0) {
      const reads = dropped.reduce((sum, row) => sum + row.reads, 0);
      this.logger.error({ event: 'read_counts_dropped', rows: dropped.length, reads });
    }
  }

  private async write(): Promise<void> {
    try {
      for (let [batch] = this.batches; batch !== undefined; [batch] = this.batches) {
        await this.repository.insert(batch);
        this.batches = this.batches.filter((other) => other !== batch);
      }
    } catch (error) {
      this.logger.warn({
        event: 'read_counts_not_stored',
        batches: this.batches.length,
        reason: toDatabaseError(error).driverCode,
        advice: 'they are kept, and written when the database is back',
      });
    }
  }
}

/** A credential that rotated within the minute was counted under each of its snapshots. */
function rowsOf(counters: Counters, at: number): ReadCountRow[] {
  return [...counters].flatMap(([{ id: client }, subjects]) =>
    [...subjects].map(([{ appId, kind }, { reads }]) => ({
      id: randomUUID(),
      at,
      client,
      appId,
      kind,
      reads,
    })),
  );
}
