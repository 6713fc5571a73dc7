import { Injectable } from '@nestjs/common';
import { Clock } from '../time/clock.js';
import { DatabaseService } from './database.service.js';

interface Sample {
  databaseMs: number;
  monotonicMs: number;
  wallMs: number;
}

/**
 * The database's time, by which alone leases and deadlines are decided.
 *
 * Between two readings it is carried on by the larger of this machine's monotonic and wall time, counted
 * from before the reading was asked for. So it may run ahead of the database by a round trip, or by the
 * length of a suspension, but never behind it: a value can be dropped too early, never served too long.
 */
@Injectable()
export class DatabaseClock {
  private sample: Sample | undefined;

  constructor(
    private readonly database: DatabaseService,
    private readonly clock: Clock,
  ) {}

  /** Milliseconds since 1970. Before the first reading it is this machine's wall clock. */
  nowMs(): number {
    if (this.sample === undefined) {
      return this.clock.wallMs();
    }
    const elapsed = Math.max(
      0,
      this.clock.monotonicMs() - this.sample.monotonicMs,
      this.clock.wallMs() - this.sample.wallMs,
    );
    return this.sample.databaseMs + elapsed;
  }

  /** How far this machine's wall clock stands ahead of the database's, in milliseconds. */
  skewMs(): number {
    return this.sample === undefined ? 0 : this.sample.wallMs - this.sample.databaseMs;
  }

  /** Reads the database's clock. @throws DatabaseError */
  async sync(): Promise<void> {
    const monotonicMs = this.clock.monotonicMs();
    const wallMs = this.clock.wallMs();
    const offsetMs = this.clock.offsetMs;
    const rows: unknown = await this.database.run((source) =>
      source.query(`SELECT ${this.database.nowMs} AS now_ms`),
    );
    // The offset may have moved while the statement was on its way; the reading was made with the old one.
    const moved = this.clock.offsetMs - offsetMs;
    this.sample = {
      databaseMs: readNow(rows) + moved,
      monotonicMs: monotonicMs + moved,
      wallMs: wallMs + moved,
    };
  }
}

function readNow(rows: unknown): number {
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined;
  const value = typeof row === 'object' && row !== null && 'now_ms' in row ? row.now_ms : undefined;
  const nowMs = Number(value);
  if (!Number.isSafeInteger(nowMs)) {
    throw new TypeError(
      'the database gave no time; its clock function is not what this dialect expects',
    );
  }
  return nowMs;
}
