import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DataSource } from 'typeorm';
import type { DatabaseKind } from './terms.js';

type ServerKind = Exclude<DatabaseKind, 'sqlite'>;
interface Parts {
  /** The checker's own connection. */
  readonly source: DataSource;
  /** As DATABASE_URL takes it. */
  readonly url: string;
  readonly address: Address | undefined;
  readonly file: string | undefined;
  readonly drop: () => Promise<void>;
}

type SqlRow = Readonly<Record<string, unknown>>;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * The database of one run, made for it and dropped after it: a file in the run's folder, or a database
 * of its own on the server of TEST_POSTGRES_URL or TEST_MYSQL_URL. The checker looks at it directly, past
 * every proxy.
 */
export class ChaosDatabase {
  private constructor(private readonly parts: Parts) {}

  static async create(kind: DatabaseKind, folder: string): Promise<ChaosDatabase> {
    return new ChaosDatabase(kind === 'sqlite' ? await makeFile(folder) : await makeOnServer(kind));
  }

  /** Where the server is; undefined for a file, before which no proxy can stand. */
  get address(): Address | undefined {
    return this.parts.address;
  }

  /** For a replica that reaches the server through a proxy on `port`. */
  urlThrough(port: number | undefined): string {
    if (port === undefined) {
      return this.parts.url;
    }
    const url = new URL(this.parts.url);
    url.hostname = '127.0.0.1';
    url.port = String(port);
    return url.href;
  }

  /** The access token's row; undefined while there is none, or no table yet. */
  async credential(): Promise<SqlRow | undefined> {
    const sql = `SELECT ${COLUMNS.join(', ')} FROM wtc_credential WHERE kind = 'access_token'`;
    const rows = await this.query(sql).catch(() => []);
    return rows[0];
  }

  /** Every row of a table. */
  table(name: string): Promise<SqlRow[]> {
    return this.query(`SELECT * FROM ${name}`);
  }

  /** All that is stored, as text, to be searched for what may not be there in clear. */
  async contents(tables: readonly string[]): Promise<string> {
    if (this.parts.file !== undefined) {
      const files = [this.parts.file, `${this.parts.file}-wal`];
      return files.map((file) => readIfThere(file)).join('\n');
    }
    // A table may not be there yet.
    const found = await Promise.all(tables.map((name) => this.table(name).catch(() => [])));
    return JSON.stringify(found);
  }

  /** SQLite only: keeps every other process from writing until the returned function is called. */
  async lock(): Promise<() => Promise<void>> {
    if (this.parts.file === undefined) {
      throw new Error('only a file can be locked');
    }
    const holder = new DataSource({
      type: 'sqlite',
      database: this.parts.file,
      busyTimeout: 1_000,
    });
    await holder.initialize();
    try {
      await holder.query('BEGIN IMMEDIATE');
    } catch (error) {
      await holder.destroy();
      throw error;
    }
    return async () => {
      await holder.query('ROLLBACK');
      await holder.destroy();
    };
  }

  /** Nobody else may be connected any more. */
  async remove(): Promise<void> {
    if (this.parts.source.isInitialized) {
      await this.parts.source.destroy();
    }
    await this.parts.drop();
  }

  private async query(sql: string): Promise<SqlRow[]> {
    return (await this.parts.source.query<unknown>(sql)) as SqlRow[];
  }
}

const COLUMNS = [
  'version',
  'fence',
  'revision',
  'owner',
  'lease_until',
  'claimed_at',
  'suspect_at',
  'unknown_outcomes',
  'dead_at',
  'calls_today',
];

const SERVERS = {
  postgres: {
    variable: 'TEST_POSTGRES_URL',
    url: 'postgres://postgres@127.0.0.1:5432/test',
    port: 5_432,
  },
  mysql: { variable: 'TEST_MYSQL_URL', url: 'mysql://root@127.0.0.1:3306/test', port: 3_306 },
} as const;

async function makeFile(folder: string): Promise<Parts> {
  const file = `${folder}/chaos.sqlite`;
  const source = new DataSource({ type: 'sqlite', database: file, enableWAL: true });
  await source.initialize();
  // It goes with the folder.
  const drop = (): Promise<void> => Promise.resolve();
  return { source, url: `sqlite:${file}`, address: undefined, file, drop };
}

async function makeOnServer(kind: ServerKind): Promise<Parts> {
  const server = process.env[SERVERS[kind].variable] ?? SERVERS[kind].url;
  const name = `wtc_chaos_${randomBytes(6).toString('hex')}`;
  const force = kind === 'postgres' ? ' WITH (FORCE)' : '';
  await administer(kind, server, `CREATE DATABASE ${name}`);
  const drop = (): Promise<void> =>
    administer(kind, server, `DROP DATABASE IF EXISTS ${name}${force}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const address = { host: url.hostname, port: Number(url.port) || SERVERS[kind].port };
  const source = new DataSource({ type: kind, url: url.href });
  await source.initialize();
  return { source, url: url.href, address, file: undefined, drop };
}

async function administer(kind: ServerKind, url: string, sql: string): Promise<void> {
  const source = new DataSource({ type: kind, url });
  await source.initialize();
  try {
    await source.query(sql);
  } finally {
    await source.destroy();
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
