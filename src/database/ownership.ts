import { StartError } from '../errors/fatal-errors.js';

/** TypeORM's list of the migrations that ran. It is the first table that is made, so it marks a database as ours. */
export const MIGRATIONS_TABLE = 'wtc_migrations';

/** Tables of ours from before they had a prefix; no other program has all of them. */
const BEFORE_PREFIX = ['key_check', 'credential', 'refresh_history'];
const MOST_NAMED = 3;

/**
 * Looked at before the first change: a database of another program keeps its tables as they are.
 * @param tables all tables in the database (PostgreSQL: in the schema) of DATABASE_URL
 * @throws StartError unless it is empty or ours
 */
export function assertOurs(tables: readonly string[]): void {
  if (tables.length === 0 || tables.includes(MIGRATIONS_TABLE)) {
    return;
  }
  if (BEFORE_PREFIX.every((table) => tables.includes(table))) {
    throw new StartError(
      'The tables in the database of DATABASE_URL were made by a version from before the first release and ' +
        'cannot be upgraded. Nothing was changed. Create an empty database, name it in DATABASE_URL, and add ' +
        'the accounts again.',
    );
  }
  const named = tables.slice(0, MOST_NAMED).join(', ');
  const more = tables.length > MOST_NAMED ? `, and ${tables.length - MOST_NAMED} more` : '';
  throw new StartError(
    `The database of DATABASE_URL has tables of another program (${named}${more}). Nothing was changed. ` +
      'Create an empty database for this service and name it in DATABASE_URL.',
  );
}
