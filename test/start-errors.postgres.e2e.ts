import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createDatabase, openDatabase, type TestDatabase } from './support/database.js';
import { startSimulator, type Simulator } from './support/simulator.js';
import { eventually } from './support/eventually.js';
import { killProcesses, startProcess } from './support/process.js';
import { environmentFor, startService, type Service } from './support/service.js';

let database: TestDatabase;
let wechat: Simulator;
const services: Service[] = [];

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator();
});
afterEach(async () => {
  await killProcesses();
  await Promise.all(services.splice(0).map((service) => service.close()));
  await wechat.close();
  await database.remove();
});

async function inDatabase(...statements: string[]): Promise<void> {
  const source = await openDatabase(database);
  try {
    for (const sql of statements) {
      await source.query(sql);
    }
  } finally {
    await source.destroy();
  }
}

/** Why the service is not ready, by its log. */
async function reasonAt(url: string): Promise<unknown> {
  const service = await startService(wechat, { DATABASE_URL: url });
  services.push(service);
  return eventually(() => {
    const [event] = service.events('database_unavailable');
    expect(event).toMatchObject({ reason: expect.any(String) });
    return event?.reason;
  }, 60_000);
}

describe('a start on PostgreSQL', () => {
  it('of a user who may not create tables says so, and which grant it needs', async () => {
    const role = `wtc_${randomBytes(6).toString('hex')}`;
    await inDatabase(`CREATE ROLE ${role} LOGIN`, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    const url = new URL(database.url);
    url.username = role;
    try {
      expect(await reasonAt(url.href)).toMatch(
        /^the user of DATABASE_URL lacks rights in the database \(42501\); .*GRANT CREATE/,
      );
    } finally {
      await Promise.all(services.splice(0).map((service) => service.close()));
      await inDatabase(`DROP OWNED BY ${role}`, `DROP ROLE ${role}`);
    }
  });

  it('with sslmode=require says what is wrong with TLS and where to change it', async () => {
    // A test server has none, or a certificate that nobody vouches for.
    expect(await reasonAt(`${database.url}?sslmode=require`)).toMatch(
      /^DATABASE_URL requires TLS and the server has none \(no_tls\); switch TLS on there, or take sslmode|^the database's TLS certificate was not accepted \(\w+\); give its authority/,
    );
  });

  it('in a database that cannot hold every name ends with exit code 1', async () => {
    const name = `wtc_test_${randomBytes(6).toString('hex')}`;
    await inDatabase(
      `CREATE DATABASE ${name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    );
    const url = new URL(database.url);
    url.pathname = `/${name}`;
    try {
      const { code, output } = await startProcess(
        environmentFor(wechat, { DATABASE_URL: url.href }),
      ).exited;
      expect(code).toBe(1);
      expect(output).toContain('has the encoding LATIN1, which cannot hold every name.');
    } finally {
      await inDatabase(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  });
});
