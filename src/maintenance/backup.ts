import { closeSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs';
import { DataSource } from 'typeorm';
import { databaseEnvironment, loadEnvironment } from '../config/environment.js';
import { parseAppConfig } from '../config/parse-app-config.js';
import { complain, runCommand, say } from './command.js';
import { assertExists } from './existing-database.js';

/*
 * npm run backup -- <file>: a copy of the SQLite database as it stands at one moment, while the service runs.
 * A plain copy of the file would miss what stands in its write-ahead log. Servers have tools of their own
 * (docs/operations.md).
 *
 * Exit codes: 0 when the copy is complete, checked and on the disk; 1 when not; 2 when it was called wrongly.
 */

const USAGE =
  'npm run backup -- <file>    copies the SQLite database of DATABASE_URL into a new file';
const BUSY_TIMEOUT_MS = 5_000;

async function main(words: readonly string[]): Promise<number> {
  const [file] = words;
  if (file === undefined || file.startsWith('-') || words.length > 1) {
    complain(USAGE);
    return 2;
  }
  const source = await sourcePath();
  // Here rather than by SQLite, whose file everybody could read; it writes into an empty one.
  closeSync(openSync(file, 'wx', 0o600));
  try {
    await inDatabase(source, (database) => database.query('VACUUM INTO ?', [file]));
    await check(file);
    syncToDisk(file);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
  say(`${file} holds a copy of ${source} (${statSync(file).size} bytes, checked).`);
  return 0;
}

/** @throws ConfigError; or where there is nothing to copy, which SQLite would make a new database of */
async function sourcePath(): Promise<string> {
  const { environment } = await loadEnvironment();
  const { database } = parseAppConfig(databaseEnvironment(environment));
  if (database.kind !== 'sqlite') {
    throw new Error(
      'DATABASE_URL names a database server: use its own tools, as docs/operations.md says.',
    );
  }
  assertExists(database);
  return database.path;
}

async function check(file: string): Promise<void> {
  const rows = await inDatabase(file, (database) =>
    database.query<{ integrity_check: string }[]>('PRAGMA integrity_check'),
  );
  if (rows[0]?.integrity_check !== 'ok') {
    throw new Error('The copy is not sound. Try again, on another disk if this one has faults.');
  }
}

async function inDatabase<T>(path: string, task: (database: DataSource) => Promise<T>): Promise<T> {
  const options = { type: 'sqlite', database: path, busyTimeout: BUSY_TIMEOUT_MS } as const;
  const database = await new DataSource(options).initialize();
  try {
    return await task(database);
  } finally {
    await database.destroy();
  }
}

/** SQLite does not do it for VACUUM INTO. */
function syncToDisk(file: string): void {
  const descriptor = openSync(file, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

runCommand(main);
