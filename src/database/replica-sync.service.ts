import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DatabaseClock } from './database-clock.js';
import { DatabaseError } from './database-error.js';
import { DatabaseService } from './database.service.js';
import type { FollowedTable } from './followed-table.js';
import type { FollowedRow } from './replica-sync.policy.js';
import { TableFollower, type Follower } from './table-follower.js';

/** What a feature has of the table that it gave to {@link ReplicaSyncService.follow}. */
export interface Followed {
  /**
   * Reads what has changed, in a round that begins after this call: for a change that was just made here.
   * @throws DatabaseError, or what the feature threw when it took the rows over
   */
  catchUp(): Promise<void>;
}

type Failures = ReadonlyMap<Follower, unknown>;

/**
 * The one way to learn what other replicas changed (docs/adr/0014). A round is one statement, which reads the
 * database's clock with the number of rows and the sum of revisions of each followed table. Only of tables whose sums
 * differ from those of memory, more is read.
 */
@Injectable()
export class ReplicaSyncService {
  private readonly logger = new Logger(ReplicaSyncService.name);
  /** In the order in which they were followed: rows of one may refer to those of one before it. */
  private readonly followers = new Map<object, Follower>();
  /** Their last failure was logged. */
  private readonly failing = new Set<Follower>();
  private last: Promise<unknown> = Promise.resolve();
  /** Asked for, and not begun. */
  private next: Promise<Failures> | undefined;

  constructor(
    private readonly database: DatabaseService,
    private readonly clock: DatabaseClock,
    private readonly dataSource: DataSource,
  ) {}

  /**
   * Follows a table from the next round on, which reads the whole of it; after those that are followed already. The
   * same table again is the same.
   * @throws Error before the database is connected
   */
  follow<Row extends FollowedRow & object>(table: FollowedTable<Row>): Followed {
    const follower =
      this.followers.get(table) ??
      new TableFollower(this.database, table, this.dataSource.getMetadata(table.entity));
    this.followers.set(table, follower);
    return { catchUp: () => this.catchUp(follower) };
  }

  /**
   * One round. It begins after this call, and when the one that runs has ended; all who ask meanwhile share it.
   * @throws DatabaseError when the database does not answer
   */
  async round(): Promise<void> {
    await this.nextRound();
  }

  private async catchUp(follower: Follower): Promise<void> {
    const failures = await this.nextRound();
    if (failures.has(follower)) {
      throw failures.get(follower);
    }
  }

  private nextRound(): Promise<Failures> {
    return (this.next ??= this.startNext());
  }

  private startNext(): Promise<Failures> {
    const round = this.last.then(() => {
      this.next = undefined;
      return this.run();
    });
    // Whoever asked for this round hears of its failure; the next one starts all the same.
    this.last = round.catch(() => undefined);
    return round;
  }

  /** An error in one table keeps no other from being followed. */
  private async run(): Promise<Failures> {
    const followers = [...this.followers.values()];
    const failures = new Map<Follower, unknown>();
    if (followers.length === 0) {
      return failures;
    }
    const beforeMs = this.clock.nowMs();
    const { nowMs, row } = await this.clock.syncWith((now) => sumsQuery(followers, now));
    // A clock that went back must not let rows count as read later than they were.
    const time = { nowMs, readAtMs: Math.min(beforeMs, nowMs) };
    for (const [index, follower] of followers.entries()) {
      try {
        await follower.catchUp(follower.sumsFrom(row, prefixOf(index)), time);
        this.failing.delete(follower);
      } catch (error) {
        failures.set(follower, error);
        this.report(follower, error);
      }
    }
    return failures;
  }

  /** Once, until the table is read again. */
  private report(follower: Follower, error: unknown): void {
    if (this.failing.has(follower)) {
      return;
    }
    this.failing.add(follower);
    if (error instanceof DatabaseError) {
      this.logger.error({
        event: 'table_not_read',
        table: follower.name,
        reason: error.driverCode,
        advice: 'what it holds stays in memory as it was; it is read again every second',
      });
    } else {
      this.logger.error(error);
    }
  }
}

function prefixOf(index: number): string {
  return `t${index}`;
}

/** Each table is scanned once, and all of them are seen at one moment. */
function sumsQuery(followers: readonly Follower[], nowMs: string): string {
  const sums = followers.map((follower, index) => {
    const prefix = prefixOf(index);
    return `(${follower.sumsQuery(prefix)}) ${prefix}`;
  });
  return `SELECT ${nowMs} AS now_ms, ${sums.map((_, index) => `${prefixOf(index)}.*`).join(', ')} FROM ${sums.join(', ')}`;
}
