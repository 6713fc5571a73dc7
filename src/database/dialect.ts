import type { DataSourceOptions, QueryRunner } from 'typeorm';
import type { DatabaseTarget } from '../config/app-config.js';

/** All that differs between the databases. Nothing outside these files asks which one it is. */
export interface Dialect<Target extends DatabaseTarget = DatabaseTarget> {
  options(target: Target): DataSourceOptions;
  /**
   * SQL for the database's own clock, in milliseconds since 1970 as a whole number. It reads the moment
   * at which a row is touched, not the one at which the statement began, so that a statement that waited
   * for a lock does not stamp the past.
   */
  readonly nowMs: string;
  /** Statements for each new connection pool, before anything else. */
  prepare(runner: QueryRunner): Promise<void>;
  /** SQL for the `name` of each table, whoever made it. */
  readonly tableNames: string;
  /** Runs `migrate`, whose statements all use `runner`, in one process at a time, however many start together. */
  exclusively(runner: QueryRunner, migrate: () => Promise<void>): Promise<void>;
}
