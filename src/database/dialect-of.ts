import type { DataSourceOptions } from 'typeorm';
import type { DatabaseTarget } from '../config/app-config.js';
import type { Dialect } from './dialect.js';
import { mysqlDialect } from './mysql.dialect.js';
import { postgresDialect } from './postgres.dialect.js';
import { sqliteDialect } from './sqlite.dialect.js';
import { createPrivate, narrowModes, type WideFile } from './sqlite-files.js';

/** Those of SQLite; a server has its own. */
export interface DatabaseFiles {
  /** Before SQLite opens them. */
  create(): void;
  /** Once they are known to be ours. @returns those that others had a right to */
  narrow(): WideFile[];
}

const NO_FILES: DatabaseFiles = { create: () => undefined, narrow: () => [] };

export function dialectOf(target: DatabaseTarget): {
  dialect: Omit<Dialect, 'options'>;
  options: DataSourceOptions;
  files: DatabaseFiles;
} {
  if (target.kind === 'sqlite') {
    return {
      dialect: sqliteDialect,
      options: sqliteDialect.options(target),
      files: {
        create: () => {
          createPrivate(target.path);
        },
        narrow: () => narrowModes(target.path),
      },
    };
  }
  const dialect = target.kind === 'postgres' ? postgresDialect : mysqlDialect;
  return { dialect, options: dialect.options(target), files: NO_FILES };
}
