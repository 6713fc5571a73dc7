import type { DatabaseTarget } from '../config/app-config.js';
import { STATEMENT_TIMEOUT_MS } from './database-error.js';
import type { Dialect } from './dialect.js';
import { impatientSocket } from './impatient-socket.js';

/** Any constant will do, as long as no other program takes the same advisory lock in this database. */
const MIGRATION_LOCK = 7_723_001;
const IDLE_MS = 3_000;

export const postgresDialect: Dialect<Extract<DatabaseTarget, { url: string }>> = {
  options: (target) => ({
    type: 'postgres',
    url: target.url,
    connectTimeoutMS: STATEMENT_TIMEOUT_MS,
    extra: {
      stream: impatientSocket,
      // The server gives a statement up as well, so that a lost one does not take effect much later.
      statement_timeout: STATEMENT_TIMEOUT_MS,
      // Idle connections are closed in good order before their silence breaks them.
      idleTimeoutMillis: IDLE_MS,
    },
    installExtensions: false,
  }),

  // now() stands still at the start of the statement; clock_timestamp() does not.
  nowMs: 'CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)',

  prepare: () => Promise.resolve(),

  migrationsIn: 'all',

  async exclusively(runner, migrate) {
    await runner.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
    try {
      await migrate();
    } finally {
      await runner.query(`SELECT pg_advisory_unlock(${MIGRATION_LOCK})`);
    }
  },
};
