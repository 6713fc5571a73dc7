import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import type { EntityTarget, ObjectLiteral } from 'typeorm';
import { AppConfig } from '../config/app-config.js';
import { JoinedRound } from '../time/joined-round.js';
import { toDatabaseError } from './database-error.js';
import { DatabaseService } from './database.service.js';

const DAY_MS = 24 * 60 * 60_000;
/** Small enough that no statement holds a lock for long. */
const BATCH_ROWS = 500;

/** Rows that are of no use any more some time after the time in one of their columns. */
export interface Retained<Entity extends ObjectLiteral = ObjectLiteral> {
  /** The table, for the log. */
  readonly name: string;
  readonly entity: EntityTarget<Entity>;
  /** The property that holds the time, in milliseconds since 1970; a row where it is null stays. */
  readonly since: string & keyof Entity;
  /** Absent: HISTORY_RETENTION_DAYS. */
  readonly keepMs?: number;
}

/**
 * Deletes what has been kept for long enough. Features register their tables; the age is judged by the
 * database's clock. Any number of replicas may do it at once: they take each other's rows, and that is all.
 */
@Injectable()
export class RetentionService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(RetentionService.name);
  private readonly retained: Retained[] = [];
  private readonly round = new JoinedRound(() => this.purgeAll());
  private isStopping = false;

  constructor(
    private readonly database: DatabaseService,
    private readonly config: AppConfig,
  ) {}

  register<Entity extends ObjectLiteral>(retained: Retained<Entity>): void {
    this.retained.push(retained);
  }

  /** Goes through every table. A round under way is joined. Never rejects. */
  purge(): Promise<void> {
    return this.round.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.round.ended();
  }

  private async purgeAll(): Promise<void> {
    for (const table of this.retained) {
      await this.purgeTable(table);
    }
  }

  /** What cannot be deleted now is deleted tomorrow. */
  private async purgeTable(table: Retained): Promise<void> {
    let rows = 0;
    try {
      for (let isMore = true; isMore && !this.isStopping;) {
        const deleted = await this.deleteBatch(table);
        rows += deleted;
        isMore = deleted > 0;
      }
    } catch (error) {
      const reason = toDatabaseError(error).driverCode;
      this.logger.warn({ event: 'retention_failed', table: table.name, reason });
    }
    if (rows > 0) {
      this.logger.log({ event: 'retention', table: table.name, rows });
    }
  }

  /**
   * Two statements, since MySQL deletes from no table that the same statement selects from, and
   * PostgreSQL and SQLite know no DELETE with a LIMIT.
   */
  private async deleteBatch(table: Retained): Promise<number> {
    const { entity, since, keepMs = this.config.historyRetentionDays * DAY_MS } = table;
    const [rows, columns] = await this.database.run(async (source) => {
      const repository = source.getRepository(entity);
      const { primaryColumns } = repository.metadata;
      const old = await repository
        .createQueryBuilder('row')
        .select(primaryColumns.map(({ propertyName }) => `row.${propertyName}`))
        .where(`row.${since} < ${this.database.nowMs} - :keepMs`, { keepMs })
        .orderBy(`row.${since}`)
        .limit(BATCH_ROWS)
        .getMany();
      return [old, primaryColumns] as const;
    });
    if (rows.length === 0) {
      return 0;
    }
    const keys = rows.map((row) => columns.map((column): unknown => column.getEntityValue(row)));
    const { affected } = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .delete()
        .from(entity)
        .where(...whereKeys(columns, keys))
        .execute(),
    );
    return affected ?? 0;
  }
}

/** By the columns' own names, since TypeORM's `whereInIds` finds nothing in a DELETE by a key of two columns. */
function whereKeys(
  columns: readonly { readonly databaseName: string }[],
  keys: readonly (readonly unknown[])[],
): [condition: string, parameters: ObjectLiteral] {
  const parameters: ObjectLiteral = {};
  const conditions = keys.map((key, row) =>
    columns
      .map(({ databaseName }, index) => {
        parameters[`k${row}_${index}`] = key[index];
        return `${databaseName} = :k${row}_${index}`;
      })
      .join(' AND '),
  );
  return [conditions.map((condition) => `(${condition})`).join(' OR '), parameters];
}
