import type { QueryRunner } from 'typeorm';
import type { DatabaseTarget } from '../config/app-config.js';
import { StartError } from '../errors/fatal-errors.js';
import { STATEMENT_TIMEOUT_MS } from './database-error.js';
import type { Dialect } from './dialect.js';
import { idleTimeoutSocket } from './idle-timeout-socket.js';

/** Any constant will do, as long as no other program takes the same advisory lock in this database. */
const MIGRATION_LOCK = 7_723_001;
const IDLE_MS = 3_000;

/**
 * Works through pgbouncer in every mode (docs/adr/0011): no start parameter that it refuses, no state of a session,
 * and a lock that ends with its transaction.
 */
export const postgresDialect: Dialect<Extract<DatabaseTarget, { url: string }>> = {
  options: (target) => ({
    type: 'postgres',
    url: target.url,
    connectTimeoutMS: STATEMENT_TIMEOUT_MS,
    extra: {
      stream: idleTimeoutSocket,
      // Idle connections are closed in good order before their silence breaks them.
      idleTimeoutMillis: IDLE_MS,
    },
    installExtensions: false,
  }),

  // now() stands still at the start of the statement; clock_timestamp() does not.
  nowMs: 'CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)',

  // Tables of extensions, such as PostGIS's, belong to the installation.
  tableNames: `
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')`,

  async prepare(runner) {
    const [{ encoding }] = (await runner.query(
      "SELECT current_setting('server_encoding') AS encoding",
    )) as [{ encoding: string }];
    if (encoding !== 'UTF8') {
      throw new StartError(
        `The database of DATABASE_URL has the encoding ${encoding}, which cannot hold every name. Nothing was changed. ` +
          "Create one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name it in DATABASE_URL.",
      );
    }
  },

  async exclusively(runner, migrate) {
    await runner.query('BEGIN');
    try {
      await runner.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
      await limitStatements(runner);
      await migrate();
      await runner.query('COMMIT');
    } catch (error) {
      // A broken connection has rolled back already. Throw the first error: it is the cause.
      await runner.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  },
};

/**
 * The server gives a statement up as well, so that a lost one does not take effect much later: every new session
 * of this role in this database begins with the limit.
 */
async function limitStatements(runner: Pick<QueryRunner, 'query'>): Promise<void> {
  const [{ setting, role, name }] = (await runner.query(
    "SELECT setting, quote_ident(current_user) AS role, quote_ident(current_database()) AS name FROM pg_settings WHERE name = 'statement_timeout'",
  )) as [{ setting: string; role: string; name: string }];
  if (Number(setting) !== STATEMENT_TIMEOUT_MS) {
    await runner.query(
      `ALTER ROLE ${role} IN DATABASE ${name} SET statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
    );
  }
}
