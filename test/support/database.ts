import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';

/** Which database this run of the suite is for: jest.config.mjs runs it once for each of DATABASES. */
declare global {
  var TEST_DATABASE: 'sqlite' | 'postgres' | 'mysql' | undefined;
}

export interface TestDatabase {
  /** As DATABASE_URL takes it. */
  readonly url: string;
  /** Removes the database; nobody may be connected any more. */
  remove(): Promise<void>;
}

export const databaseKind = globalThis.TEST_DATABASE ?? 'sqlite';

/** A fresh, empty database of its own. */
export async function createDatabase(): Promise<TestDatabase> {
  return databaseKind === 'sqlite' ? createFile() : createOnServer(databaseKind);
}

function createFile(): TestDatabase & { file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'wtc-'));
  const file = join(folder, 'test.sqlite');
  return {
    url: `sqlite:${file}`,
    file,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

/** A connection of the test's own, past the service; the caller destroys it. */
export async function openDatabase({ url }: TestDatabase): Promise<DataSource> {
  const source =
    databaseKind === 'sqlite'
      ? new DataSource({ type: 'sqlite', database: url.replace('sqlite:', ''), busyTimeout: 5_000 })
      : new DataSource({ type: databaseKind, url });
  return source.initialize();
}

async function createOnServer(kind: 'postgres' | 'mysql'): Promise<TestDatabase> {
  const server = serverUrl(kind);
  const name = `wtc_test_${randomBytes(6).toString('hex')}`;
  await administer(kind, server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const drop = kind === 'postgres' ? `DROP DATABASE ${name} WITH (FORCE)` : `DROP DATABASE ${name}`;
  return { url: url.href, remove: () => administer(kind, server, drop) };
}

function serverUrl(kind: 'postgres' | 'mysql'): string {
  return kind === 'postgres'
    ? (process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/test')
    : (process.env.TEST_MYSQL_URL ?? 'mysql://root@127.0.0.1:3306/test');
}

async function administer(kind: 'postgres' | 'mysql', url: string, sql: string): Promise<void> {
  const source = new DataSource({ type: kind, url });
  await source.initialize();
  try {
    await source.query(sql);
  } finally {
    await source.destroy();
  }
}
