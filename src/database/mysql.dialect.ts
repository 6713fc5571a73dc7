import mysql2, { type PoolConnection, type PoolOptions } from 'mysql2';
import type { Socket } from 'node:net';
import type { DatabaseTarget } from '../config/app-config.js';
import { DatabaseError, STATEMENT_TIMEOUT_MS } from './database-error.js';
import type { Dialect } from './dialect.js';
import { idleTimeoutSocket } from './idle-timeout-socket.js';

const MIGRATION_LOCK = 'wechat_token_center_migration';
/** Shorter than a connection may be silent; who does not get the lock by then tries again. */
const MIGRATION_LOCK_SECONDS = 3;
/** Case and accents count, as on the other databases. MySQL and MariaDB both have it. */
const COLLATION = 'utf8mb4_bin';

/**
 * The session is ours, whatever the server's defaults are. The driver escapes values with backslashes: under
 * NO_BACKSLASH_ESCAPES a quote in a name would end the text, and the rest would be SQL.
 */
const SESSION = [
  `SET NAMES utf8mb4 COLLATE ${COLLATION}`,
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
  "SET SESSION time_zone = '+00:00'",
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
  'SET SESSION autocommit = 1',
  'SET SESSION sql_safe_updates = 0',
  // A statement that waits for a lock is given up by the server as well, so that it does not take effect much later.
  `SET SESSION innodb_lock_wait_timeout = ${STATEMENT_TIMEOUT_MS / 1_000}`,
  // Idle connections are closed by us; where the server does it, the next statement fails.
  'SET SESSION wait_timeout = 600',
];

interface Address {
  readonly config: { readonly host: string; readonly port: number };
}

function connectWithIdleTimeout({ config }: Address): Socket {
  return idleTimeoutSocket().connect(config.port, config.host).setNoDelay(true);
}

/** Of each new connection the statements of the session are the first, before those of whoever waits for it. */
function createPool(options: PoolOptions): mysql2.Pool {
  const pool = mysql2.createPool(options);
  pool.on('connection', (connection: PoolConnection) => {
    for (const statement of SESSION) {
      connection.query(statement, (error) => {
        if (error !== null) {
          connection.destroy();
        }
      });
    }
  });
  return pool;
}

export const mysqlDialect: Dialect<Extract<DatabaseTarget, { url: string }>> = {
  options: (target) => ({
    type: 'mysql',
    driver: { ...mysql2, createPool },
    connectorPackage: 'mysql2',
    url: target.url,
    connectTimeout: STATEMENT_TIMEOUT_MS,
    charset: 'utf8mb4',
    extra: { stream: connectWithIdleTimeout },
  }),

  // NOW() is the time at which the statement began; SYSDATE() is the current time. The session's zone is UTC.
  nowMs: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(3)) DIV 1000)",

  tableNames:
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',

  // The database is ours alone, and its default counts for every table that is made in it.
  async prepare(runner) {
    await runner.query(`ALTER DATABASE CHARACTER SET utf8mb4 COLLATE ${COLLATION}`);
  },

  async exclusively(runner, migrate) {
    const sql = `SELECT GET_LOCK('${MIGRATION_LOCK}', ${MIGRATION_LOCK_SECONDS}) AS locked`;
    const [{ locked }] = (await runner.query(sql)) as [{ locked: number | string | null }];
    if (Number(locked) !== 1) {
      throw new DatabaseError('migration_lock', 'another process is still migrating the database');
    }
    try {
      await migrate();
    } finally {
      await runner.query(`SELECT RELEASE_LOCK('${MIGRATION_LOCK}')`);
    }
  },
};
