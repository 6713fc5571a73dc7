import type { Socket } from 'node:net';
import type { DatabaseTarget } from '../config/app-config.js';
import { DatabaseError, STATEMENT_TIMEOUT_MS } from './database-error.js';
import type { Dialect } from './dialect.js';
import { impatientSocket } from './impatient-socket.js';

const MIGRATION_LOCK = 'wechat_token_center_migration';
/** Shorter than a connection may be silent; who does not get the lock by then tries again. */
const MIGRATION_LOCK_SECONDS = 3;

interface Address {
  readonly config: { readonly host: string; readonly port: number };
}

function connectImpatiently({ config }: Address): Socket {
  return impatientSocket().connect(config.port, config.host).setNoDelay(true);
}

export const mysqlDialect: Dialect<Extract<DatabaseTarget, { url: string }>> = {
  options: (target) => ({
    type: 'mysql',
    url: target.url,
    connectTimeout: STATEMENT_TIMEOUT_MS,
    charset: 'utf8mb4',
    extra: { stream: connectImpatiently },
  }),

  // SYSDATE() is the moment of evaluation, in the session's zone; UTC_TIMESTAMP() - NOW() takes the zone
  // out again without the ambiguous hour that UNIX_TIMESTAMP() has at the end of summer time.
  nowMs:
    "((TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(3))" +
    ' - TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), NOW(3))) DIV 1000)',

  tableNames:
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',

  prepare: () => Promise.resolve(),

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
