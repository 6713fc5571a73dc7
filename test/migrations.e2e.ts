import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { createDatabase, databaseKind, type TestDatabase } from './support/database.js';
import { startService, type Service } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

let database: TestDatabase;
let wechat: Simulator;
const services: Service[] = [];

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator();
});

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.close()));
  await wechat.close();
  await database.remove();
});

async function start(): Promise<Service> {
  const service = await startService(wechat, { DATABASE_URL: database.url });
  services.push(service);
  await service.ready();
  return service;
}

const TABLES = [
  'wtc_account',
  'wtc_audit',
  'wtc_call_count',
  'wtc_client',
  'wtc_client_key',
  'wtc_credential',
  'wtc_ip_list',
  'wtc_key_check',
  'wtc_read_count',
  'wtc_refresh_history',
  'wtc_ticket_demand',
];

async function tables(source: DataSource): Promise<string[]> {
  const runner = source.createQueryRunner();
  try {
    const there: string[] = [];
    for (const name of TABLES) {
      if (await runner.hasTable(name)) {
        there.push(name);
      }
    }
    return there;
  } finally {
    await runner.release();
  }
}

async function migrated(source: DataSource): Promise<unknown[]> {
  return source.query<unknown[]>('SELECT name FROM wtc_migrations');
}

/** The SQL that would make the database equal to the entities. */
async function differences(connected: DataSource): Promise<string[]> {
  const { options } = connected;
  // TypeORM reads MariaDB's defaults rightly only when it is told that it is one.
  const isMariaDb =
    databaseKind === 'mysql' &&
    /mariadb/i.test(JSON.stringify(await connected.query('SELECT version()')));
  const source = new DataSource({
    ...options,
    ...(isMariaDb && { type: 'mariadb' }),
  } as typeof options);
  await source.initialize();
  try {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    return upQueries.map(({ query }) => query);
  } finally {
    await source.destroy();
  }
}

describe('the migrations', () => {
  it('make what the entities say, and nothing is left to do', async () => {
    expect(await differences((await start()).app.get(DataSource))).toEqual([]);
  });

  it('go from empty to latest, down to empty, and to latest again', async () => {
    const source = (await start()).app.get(DataSource);
    expect(await tables(source)).toEqual(TABLES);
    while ((await migrated(source)).length > 0) {
      await source.undoLastMigration({ transaction: 'none' });
    }
    expect(await tables(source)).toEqual([]);
    await source.runMigrations({ transaction: 'none' });
    expect(await tables(source)).toEqual(TABLES);
    expect(await differences(source)).toEqual([]);
  });
});
