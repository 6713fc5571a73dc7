import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DataSource } from 'typeorm';
import { DatabaseService } from '../src/database/database.service.js';
import { ReplicaSyncScheduler } from '../src/database/replica-sync.scheduler.js';
import { ReplicaSyncService } from '../src/database/replica-sync.service.js';
import { Clock } from '../src/time/clock.js';
import { admin, CLIENTS, makeClient } from './support/clients.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { ADMIN_KEY, APP_ID, APP_SECRET, startService, type Service } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* Two replicas on one database. The rounds of one are turned by hand; the other's run once a second. */

const OTHER = 'wx00000000000000aa';
const READ = `/v1/accounts/${APP_ID}/access-token`;
const MINUTE_MS = 60_000;
/** What the contract promises of a change on another replica. */
const WITHIN_MS = 2_000;

let database: TestDatabase;
let wechat: Simulator;
let here: Service;
let there: Service;

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator({
    accounts: [
      { appId: APP_ID, secret: APP_SECRET },
      { appId: OTHER, secret: APP_SECRET },
    ],
  });
  there = await startService(wechat, { DATABASE_URL: database.url });
  await there.ready();
  here = await startService(wechat, { DATABASE_URL: database.url });
  await here.ready();
  await here.app.get(ReplicaSyncScheduler).stop();
  here.stopCron();
  await here.poll();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await here.close();
  await there.close();
  await wechat.close();
  await database.remove();
});

function sql(text: string): Promise<unknown> {
  return there.app.get(DataSource).query(text);
}

/** How many statements `here` runs meanwhile. */
async function statements(step: () => Promise<unknown>): Promise<number> {
  const run = jest.spyOn(here.app.get(DatabaseService), 'run');
  await step();
  const count = run.mock.calls.length;
  run.mockRestore();
  return count;
}

async function statusOf(key: string, path = READ): Promise<number> {
  return (await here.call('GET', path, { key })).status;
}

/** As much as what happened between the back-up and now: two rows whose sums are those of before. */
async function changeUnnoticed(id: string, other: string): Promise<void> {
  await sql(
    `UPDATE wtc_client SET scopes = '["ip:read"]', revision = revision + 1 WHERE id = '${id}'`,
  );
  await sql(`UPDATE wtc_client SET revision = revision - 1 WHERE id = '${other}'`);
}

describe('a round', () => {
  it('is one statement at rest, and one more for each table that has changed', async () => {
    expect(await statements(() => here.poll())).toBe(1);
    const client = await makeClient(there);
    expect(await statements(() => here.poll())).toBe(3);
    expect(await statusOf(client.key)).toBe(200);
    await admin(there, 'PATCH', `${CLIENTS}/${client.id}`, { scopes: ['ip:read'] });
    expect(await statements(() => here.poll())).toBe(2);
    expect(await statusOf(client.key)).toBe(403);
    expect(await statements(() => here.poll())).toBe(1);
  });

  it('reads nothing again of a change that was made here', async () => {
    await makeClient(here);
    await here.adminRefresh();
    expect(await statements(() => here.poll())).toBe(1);
  });

  it('is shared by all who ask before it begins, and by none who ask later', async () => {
    const sync = here.app.get(ReplicaSyncService);
    const database = here.app.get(DatabaseService);
    let late: Promise<void> | undefined;
    const run = database.run.bind(database);
    const ran = jest.spyOn(database, 'run').mockImplementation((statement) => {
      late ??= sync.round();
      return run(statement);
    });
    await Promise.all(Array.from({ length: 10 }, () => sync.round()));
    await late;
    // One for the ten, and one for whoever asked while it ran.
    expect(ran).toHaveBeenCalledTimes(2);
  });

  it('finds within a minute what left the sums as they were', async () => {
    const { id, key } = await makeClient(there);
    const other = await makeClient(there);
    await admin(there, 'PATCH', `${CLIENTS}/${other.id}`, { name: 'Another' });
    await here.poll();
    await changeUnnoticed(id, other.id);
    await here.poll();
    expect(await statusOf(key)).toBe(200);
    here.advance(MINUTE_MS);
    await here.poll();
    expect(await statusOf(key)).toBe(403);
  });

  it('finds it at once when the clock of the database went back', async () => {
    const { id, key } = await makeClient(there);
    const other = await makeClient(there);
    await admin(there, 'PATCH', `${CLIENTS}/${other.id}`, { name: 'Another' });
    await here.poll();
    await changeUnnoticed(id, other.id);
    here.app.get(Clock).advance(-MINUTE_MS);
    await here.poll();
    expect(await statusOf(key)).toBe(403);
  });

  it('finds what was changed long before it shows', async () => {
    const { id, key } = await makeClient(there);
    await here.poll();
    await sql(
      `UPDATE wtc_client SET scopes = '["ip:read"]', revision = revision + 1, updated_at = 1 WHERE id = '${id}'`,
    );
    await here.poll();
    expect(await statusOf(key)).toBe(403);
  });
});

describe('a database that was restored', () => {
  it('brings a client, a key and an account back as they were', async () => {
    const { id, key, keys } = await makeClient(there);
    await there.call('POST', '/v1/admin/accounts', {
      key: ADMIN_KEY,
      body: { app_id: OTHER, app_secret: APP_SECRET, name: 'before' },
    });
    const tables = ['wtc_client', 'wtc_client_key', 'wtc_account'];
    const backup = await Promise.all(
      tables.map((table) => there.app.get(DataSource).getRepository(table).find()),
    );
    await admin(there, 'DELETE', `${CLIENTS}/${id}/keys/${keys[0]!.id}`);
    await admin(there, 'PATCH', `${CLIENTS}/${id}`, { name: 'after' });
    const later = await makeClient(there);
    await there.call('PATCH', `/v1/admin/accounts/${OTHER}`, {
      key: ADMIN_KEY,
      body: { name: 'after' },
    });
    await here.poll();
    expect([await statusOf(key), await statusOf(later.key)]).toEqual([401, 200]);

    for (const [index, table] of tables.entries()) {
      const repository = there.app.get(DataSource).getRepository(table);
      await repository.clear();
      await repository.insert(backup[index]!);
    }
    await here.poll();
    expect([await statusOf(key), await statusOf(later.key)]).toEqual([200, 401]);
    const { body } = await here.call<{ name: string }>('GET', `/v1/admin/accounts/${OTHER}`, {
      key: ADMIN_KEY,
    });
    expect(body.name).toBe('before');
  });

  it('without an account takes it away', async () => {
    await there.call('POST', '/v1/admin/accounts', {
      key: ADMIN_KEY,
      body: { app_id: OTHER, app_secret: APP_SECRET },
    });
    expect((await there.read('?wait=5', OTHER)).status).toBe(200);
    await here.poll();
    expect((await here.read('?wait=0', OTHER)).status).toBe(200);
    await sql(`DELETE FROM wtc_account WHERE app_id = '${OTHER}'`);
    await sql(`DELETE FROM wtc_credential WHERE app_id = '${OTHER}'`);
    await here.poll();
    expect((await here.read('?wait=0', OTHER)).status).toBe(403);
    expect((await here.read('?wait=0')).status).toBe(200);
  });
});

it('what is written after a round keeps no other round waiting', async () => {
  let release: () => void = () => undefined;
  const writing = new Promise<void>((resolve) => {
    release = resolve;
  });
  there.app.get(ReplicaSyncScheduler).afterRound({ write: () => writing });
  try {
    const { id, key } = await makeClient(there);
    for (const [scopes, status] of [
      [['ip:read'], 403],
      [['token:read'], 200],
      [['ip:read'], 403],
    ]) {
      await admin(here, 'PATCH', `${CLIENTS}/${id}`, { scopes });
      await eventually(async () => {
        expect((await there.call('GET', READ, { key })).status).toBe(status);
      }, WITHIN_MS);
    }
  } finally {
    release();
  }
});

describe('what cannot be read', () => {
  it('of one table keeps no other from being followed, and is logged once', async () => {
    const { id, key } = await makeClient(there);
    await here.poll();
    // In one process all services write to the log of the last one.
    await there.app.get(ReplicaSyncScheduler).stop();
    await sql(`UPDATE wtc_account SET jssdk_hosts = 'no JSON', revision = revision + 1`);
    await sql(
      `UPDATE wtc_client SET scopes = '["ip:read"]', revision = revision + 1 WHERE id = '${id}'`,
    );
    await here.poll();
    await here.poll();
    expect(await statusOf(key)).toBe(403);
    expect(here.events('table_not_read')).toEqual([
      expect.objectContaining({ table: 'wtc_account', reason: 'SyntaxError' }),
    ]);
    expect(here.events('database_away')).toEqual([]);

    await sql(
      `UPDATE wtc_account SET jssdk_hosts = NULL, name = 'mended', revision = revision + 1`,
    );
    await here.poll();
    const { body } = await here.call<{ name: string }>('GET', `/v1/admin/accounts/${APP_ID}`, {
      key: ADMIN_KEY,
    });
    expect(body.name).toBe('mended');
  });

  it('of a database that is away is logged once, and once that it is back', async () => {
    await here.app.get(DataSource).destroy();
    await here.poll();
    await here.poll();
    expect(here.events('database_away')).toEqual([
      expect.objectContaining({ reason: 'not_connected' }),
    ]);
    expect(here.events('database_back')).toEqual([]);
    await here.app.get(DataSource).initialize();
    await here.poll();
    await here.poll();
    expect(here.events('database_away')).toHaveLength(1);
    expect(here.events('database_back')).toHaveLength(1);
  });
});
