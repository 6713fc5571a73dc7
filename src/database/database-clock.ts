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
    await this.syncWith((nowMs) => `SELECT ${nowMs} AS now_ms`);
  }

  /**
   * Reads the database's clock by a statement that reads more than that.
   * @param sql given SQL for the time, a SELECT of one row that calls it `now_ms`
   * @throws DatabaseError
   */
  async syncWith(
    sql: (nowMs: string) => string,
  ): Promise<{ readonly nowMs: number; readonly row: Readonly<Record<string, unknown>> }> {
    const monotonicMs = this.clock.monotonicMs();
    const wallMs = this.clock.wallMs();
    const offsetMs = this.clock.offsetMs;
    const [row = {}] = await this.database.run((source) =>
      source.query<Record<string, unknown>[]>(sql(this.database.nowMs)),
    );
    const nowMs = readNow(row);
    // The offset may have moved while the statement was on its way; the reading was made with the old one.
    const moved = this.clock.offsetMs - offsetMs;
    this.sample = {
      databaseMs: nowMs + moved,
      monotonicMs: monotonicMs + moved,
      wallMs: wallMs + moved,
    };
    return { nowMs, row };
  }
}

function readNow({ now_ms: value }: Readonly<Record<string, unknown>>): number {
  const nowMs = Number(value);
  if (!Number.isSafeInteger(nowMs)) {
    throw new TypeError(
      'the database gave no time; its clock function is not what this dialect expects',
    );
  }
  return nowMs;
}
