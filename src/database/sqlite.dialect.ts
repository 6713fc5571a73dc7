import type { DatabaseTarget } from '../config/app-config.js';
import type { Dialect } from './dialect.js';

/** How long a statement waits for another process that writes, such as the old one during a restart. */
const BUSY_TIMEOUT_MS = 5_000;

export const sqliteDialect: Dialect<Extract<DatabaseTarget, { kind: 'sqlite' }>> = {
  options: (target) => ({
    type: 'sqlite',
    database: target.path,
    busyTimeout: BUSY_TIMEOUT_MS,
  }),

  // 'subsec' needs SQLite 3.42; the packaged driver brings its own, newer library.
  nowMs: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",

  tableNames:
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'",

  async prepare(runner) {
    // Here and not by TypeORM's option: where the disk takes no byte, its driver would fail half way and
    // leave a file open at each try.
    await runner.query('PRAGMA journal_mode = WAL');
    // In WAL mode the default may be NORMAL, with which a committed token can be lost with the power.
    await runner.query('PRAGMA synchronous = FULL');
  },

  async exclusively(runner, migrate) {
    // TypeORM gives all of SQLite one connection, so what `migrate` runs is inside this transaction:
    // a second process waits at BEGIN IMMEDIATE and then finds nothing left to do.
    await runner.query('BEGIN IMMEDIATE');
    try {
      await migrate();
      await runner.query('COMMIT');
    } catch (error) {
      // A full disk makes SQLite roll back by itself, and then there is nothing left to roll back.
      await runner.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  },
};
