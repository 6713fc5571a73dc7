import type { EntityMetadata, Repository } from 'typeorm';
import type { DatabaseService } from './database.service.js';
import type { FollowedTable } from './followed-table.js';
import { read, type Reading } from './reading.js';
import {
  areEqual,
  isGone,
  isOther,
  nextReading,
  sumsOf,
  supersedes,
  toHeld,
  type FollowedRow,
  type HeldRow,
  type Sums,
  type TableProgress,
} from './replica-sync.policy.js';

/** Rows of one statement. Between two of them other work gets its turn. */
const ROWS_AT_ONCE = 1_000;

/** When a round is: the database's clock, and the same or a moment before as far as this process could tell. */
export interface RoundTime {
  readonly nowMs: number;
  readonly readAtMs: number;
}

/** A followed table without the type of its rows. */
export interface Follower {
  readonly name: string;
  /** A SELECT of one row with the table's {@link Sums}. @param prefix of the columns, which `sumsFrom` then finds */
  sumsQuery(prefix: string): string;
  sumsFrom(found: Readonly<Record<string, unknown>>, prefix: string): Sums;
  /** Brings memory to what the table is. @throws DatabaseError, or what the feature threw */
  catchUp(sums: Sums, time: RoundTime): Promise<void>;
}

/** Reads of one table what memory lacks. */
export class TableFollower<Row extends FollowedRow & object> implements Follower {
  private readonly kept = new Map<string, HeldRow>();
  private progress: TableProgress = { inStepAtMs: -Infinity, wholeAtMs: -Infinity };

  constructor(
    private readonly database: DatabaseService,
    private readonly table: FollowedTable<Row>,
    private readonly metadata: EntityMetadata,
  ) {}

  get name(): string {
    return this.metadata.tableName;
  }

  sumsQuery(prefix: string): string {
    const fences = this.hasFence ? 'SUM(fence)' : '0';
    return `SELECT COUNT(*) AS ${prefix}_rows, SUM(revision) AS ${prefix}_revisions, ${fences} AS ${prefix}_fences, MAX(updated_at) AS ${prefix}_latest FROM ${this.name}`;
  }

  sumsFrom(found: Readonly<Record<string, unknown>>, prefix: string): Sums {
    // The servers' drivers give sums as text; those of an empty table are null.
    const number = (column: string): number => Number(found[`${prefix}_${column}`] ?? 0);
    return {
      rows: number('rows'),
      revisions: number('revisions'),
      fences: number('fences'),
      latestMs: number('latest'),
    };
  }

  async catchUp(sums: Sums, { nowMs, readAtMs }: RoundTime): Promise<void> {
    let next = nextReading(this.progress, nowMs, this.equals(sums));
    if (typeof next === 'object') {
      await this.readChanged(next.changedAfterMs);
      next = this.equals(sums) ? 'none' : 'whole';
    }
    if (next === 'whole') {
      await this.readWhole();
      this.progress = { ...this.progress, wholeAtMs: nowMs };
    }
    this.progress = { ...this.progress, inStepAtMs: nowMs };
    this.table.inStep?.(readAtMs);
  }

  private get hasFence(): boolean {
    return this.metadata.findColumnWithPropertyName('fence') !== undefined;
  }

  private get held(): ReadonlyMap<string, HeldRow> {
    return this.table.held?.() ?? this.kept;
  }

  private equals(sums: Sums): boolean {
    return areEqual(sums, sumsOf(this.held.values()));
  }

  private async readChanged(changedAfterMs: number): Promise<void> {
    const { rows, reading } = await read(() =>
      this.rows((repository) =>
        repository
          .createQueryBuilder('row')
          .where('row.updatedAt > :changedAfterMs', { changedAfterMs })
          .limit(ROWS_AT_ONCE)
          .getMany(),
      ),
    );
    this.adopt(rows, reading);
  }

  /** The ids first: of most rows no more is needed. */
  private async readWhole(): Promise<void> {
    const { rows: found, reading } = await read(() => this.readStates());
    const { held } = this;
    const others = [...found].filter(([id, state]) => isOther(held.get(id), state));
    const gone = [...held].filter(([id, row]) => !found.has(id) && isGone(row, reading));
    this.remove(gone.map(([id]) => id));
    for (let from = 0; from < others.length; from += ROWS_AT_ONCE) {
      await this.readThese(others.slice(from, from + ROWS_AT_ONCE).map(([id]) => id));
    }
  }

  private async readThese(ids: readonly string[]): Promise<void> {
    const { rows, reading } = await read(() =>
      this.rows((repository) =>
        repository
          .createQueryBuilder('row')
          .where(`row.${this.idColumn.propertyName} IN (:...ids)`, { ids })
          .getMany(),
      ),
    );
    this.adopt(rows, reading);
  }

  private async readStates(): Promise<Map<string, FollowedRow>> {
    const states = new Map<string, FollowedRow>();
    let page: StateColumns[] = [];
    do {
      page = await this.readStatesAfter(page.at(-1)?.id ?? '');
      for (const { id, revision, updatedAt, fence } of page) {
        states.set(id, {
          revision: Number(revision),
          updatedAt: Number(updatedAt),
          ...(fence !== undefined && { fence: Number(fence) }),
        });
      }
    } while (page.length === ROWS_AT_ONCE);
    return states;
  }

  private readStatesAfter(after: string): Promise<StateColumns[]> {
    const id = `row.${this.idColumn.propertyName}`;
    return this.rows((repository) => {
      const query = repository
        .createQueryBuilder('row')
        .select(id, 'id')
        .addSelect('row.revision', 'revision')
        .addSelect('row.updatedAt', 'updatedAt');
      return (this.hasFence ? query.addSelect('row.fence', 'fence') : query)
        .where(`${id} > :after`, { after })
        .orderBy(id)
        .limit(ROWS_AT_ONCE)
        .getRawMany<StateColumns>();
    });
  }

  private adopt(rows: readonly Row[], reading: Reading): void {
    const { held } = this;
    const news = rows.filter((row) => {
      const known = held.get(this.idOf(row));
      return isOther(known, row) && supersedes(known, toHeld(row, reading));
    });
    if (news.length === 0) {
      return;
    }
    this.table.adopt(news, reading);
    if (this.table.held === undefined) {
      news.forEach((row) => this.kept.set(this.idOf(row), toHeld(row, reading)));
    }
  }

  private remove(ids: readonly string[]): void {
    if (ids.length > 0) {
      this.table.remove(ids);
      ids.forEach((id) => this.kept.delete(id));
    }
  }

  private get idColumn(): EntityMetadata['primaryColumns'][number] {
    const [column] = this.metadata.primaryColumns;
    if (column === undefined) {
      throw new TypeError(`${this.name} has no primary key`);
    }
    return column;
  }

  private idOf(row: Row): string {
    return String(this.idColumn.getEntityValue(row));
  }

  private rows<Result>(
    statement: (repository: Repository<Row>) => Promise<Result>,
  ): Promise<Result> {
    return this.database.run((source) => statement(source.getRepository(this.table.entity)));
  }
}

interface StateColumns {
  readonly id: string;
  readonly revision: number | string;
  readonly updatedAt: number | string;
  readonly fence?: number | string;
}
