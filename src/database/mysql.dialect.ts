import type { DatabaseTarget } from '../config/app-config.js';
import { STATEMENT_TIMEOUT_MS } from './database-error.js';
import type { Dialect } from './dialect.js';

const MIGRATION_LOCK = 'wechat_token_center_migration';
const MIGRATION_LOCK_SECONDS = 60;

export const mysqlDialect: Dialect<Extract<DatabaseTarget, { url: string }>> = {
  options: (target) => ({
    type: 'mysql',
    url: target.url,
    connectTimeout: STATEMENT_TIMEOUT_MS,
    charset: 'utf8mb4',
  }),

  // SYSDATE() is the moment of evaluation, in the session's zone; UTC_TIMESTAMP() - NOW() takes the zone
  // out again without the ambiguous hour that UNIX_TIMESTAMP() has at the end of summer time.
  nowMs:
    "((TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(3))" +
    ' - TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), NOW(3))) DIV 1000)',

  prepare: () => Promise.resolve(),

  async exclusively(runner, migrate) {
    await runner.query(`SELECT GET_LOCK('${MIGRATION_LOCK}', ${MIGRATION_LOCK_SECONDS})`);
    try {
      await migrate();
    } finally {
      await runner.query(`SELECT RELEASE_LOCK('${MIGRATION_LOCK}')`);
    }
  },
};
