import { existsSync } from 'node:fs';
import type { DatabaseTarget } from '../config/app-config.js';

/** @throws where SQLite would make a new, empty database, of which nothing that is then said is true */
export function assertExists(database: DatabaseTarget): void {
  if (database.kind === 'sqlite' && !existsSync(database.path)) {
    throw new Error(
      `There is no database at ${database.path}. Set DATABASE_URL as the service has it, or run this in its working directory.`,
    );
  }
}
