import type { DataSourceOptions } from 'typeorm';
import type { DatabaseTarget } from '../config/app-config.js';
import type { Dialect } from './dialect.js';
import { mysqlDialect } from './mysql.dialect.js';
import { postgresDialect } from './postgres.dialect.js';
import { sqliteDialect } from './sqlite.dialect.js';

export function dialectOf(target: DatabaseTarget): {
  dialect: Omit<Dialect, 'options'>;
  options: DataSourceOptions;
} {
  if (target.kind === 'sqlite') {
    return { dialect: sqliteDialect, options: sqliteDialect.options(target) };
  }
  const dialect = target.kind === 'postgres' ? postgresDialect : mysqlDialect;
  return { dialect, options: dialect.options(target) };
}
