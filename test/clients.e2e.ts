import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { ClientDirectory, type Client } from '../src/access/client-directory.js';
import { hashKey } from '../src/access/presented-key.js';
import { ClientScheduler } from '../src/clients/client.scheduler.js';
import { RetentionService } from '../src/database/retention.service.js';
import { Clock } from '../src/time/clock.js';
import {
  admin,
  CLIENTS,
  makeClient,
  makeKey,
  type ClientBody,
  type KeyBody,
} from './support/clients.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  startService,
  type ProblemBody,
  type Service,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

const OTHER_APP_ID = 'wxfedcba9876543210';
const READ = `/v1/accounts/${APP_ID}/access-token`;
const REPORT = `${READ}/report`;
/** What the contract promises of a change on another replica. */
const WITHIN_MS = 2_000;
const TRUSTED_PROXIES = '127.0.0.1/32';
const DAY_MS = 86_400_000;

let database: TestDatabase;
let wechat: Simulator;
let service: Service;
let others: Service[];
let requests = 0;

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  service = await startService(wechat, { DATABASE_URL: database.url, TRUSTED_PROXIES });
  others = [];
  await service.ready();
  // At the turn of a real minute the uses of keys would be written.
  service.stopCron();
});
afterEach(async () => {
  await Promise.all(others.map((other) => other.close()));
  await service.close();
  await wechat.close();
  await database.remove();
});

async function another(): Promise<Service> {
  const other = await startService(wechat, { DATABASE_URL: database.url, TRUSTED_PROXIES });
  others.push(other);
  other.advance(service.app.get(Clock).offsetMs);
  await other.ready();
  other.stopCron();
  return other;
}

async function statusOf(key: string, path = READ, asked = service): Promise<number> {
  const isReport = path.endsWith('/report');
  const body = isReport ? { version: 1 } : undefined;
  requests += 1;
  // From another address each time, as a proxy tells: many refused keys from one are limited.
  const headers = { 'x-forwarded-for': `10.0.${requests >> 8}.${requests & 255}` };
  return (await asked.call(isReport ? 'POST' : 'GET', path, { key, body, headers })).status;
}

async function show(id: string, asked = service): Promise<ClientBody> {
  return (await admin<ClientBody>(asked, 'GET', `${CLIENTS}/${id}`)).body;
}

function isoIn(ms: number): string {
  return new Date(service.app.get(Clock).wallMs() + ms).toISOString();
}

async function page(query: string): Promise<{ items: ClientBody[]; next_cursor: string | null }> {
  const path = `${CLIENTS}${query}`;
  return (await admin<Awaited<ReturnType<typeof page>>>(service, 'GET', path)).body;
}

async function rows(table: string): Promise<Record<string, unknown>[]> {
  return service.app.get(DataSource).query(`SELECT * FROM ${table}`);
}

describe('a client', () => {
  it('is made with its first key, which is shown this once', async () => {
    const answer = await admin<ClientBody>(service, 'POST', CLIENTS, {
      id: 'order-service',
      name: 'Orders',
      scopes: ['token:read', 'token:report'],
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('location')).toBe(`${CLIENTS}/order-service`);
    const { key, ...shown } = answer.body;
    expect(key).toMatch(/^wtc_[0-9A-Za-z]{40}$/);
    expect(shown).toEqual({
      id: 'order-service',
      name: 'Orders',
      scopes: ['token:read', 'token:report'],
      accounts: 'all',
      gateway: { allow: [], per_minute: 600 },
      expires_at: null,
      created_at: expect.stringMatching(/^\d{4}-.+Z$/),
      keys: [
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          name: null,
          created_at: expect.stringMatching(/^\d{4}-.+Z$/),
          last_used_at: null,
          expires_at: null,
        },
      ],
    });
    expect(await statusOf(key)).toBe(200);
    expect(await statusOf(key, REPORT)).toBe(200);
    expect(await show('order-service')).toEqual(shown);
    const { body: page } = await admin(service, 'GET', CLIENTS);
    expect(page).toEqual({ items: [shown], next_cursor: null });
  });

  it('without an id gets one', async () => {
    const { id } = await makeClient(service);
    expect(id).toMatch(/^client-[0-9a-f]{16}$/);
    expect((await show(id)).id).toBe(id);
  });

  it('has its key stored as a SHA-256 alone', async () => {
    const { key } = await makeClient(service, { id: 'one' });
    const stored = JSON.stringify([await rows('wtc_client'), await rows('wtc_client_key')]);
    expect(stored).toContain(hashKey(key));
    expect(stored).not.toContain(key);
    expect(stored).not.toContain(key.slice(4, 38));
    expect(service.logged).not.toContain(key.slice(4, 38));
  });

  it('may do what its scopes say, on its accounts', async () => {
    const { key } = await makeClient(service, { scopes: ['ip:read'] });
    expect(await statusOf(key)).toBe(403);
    const limited = await makeClient(service, { accounts: [OTHER_APP_ID] });
    expect(await statusOf(limited.key)).toBe(403);
    const own = await makeClient(service, { accounts: [OTHER_APP_ID, APP_ID] });
    expect(await statusOf(own.key)).toBe(200);
    expect(await statusOf(own.key, REPORT)).toBe(403);
    expect(await statusOf(own.key, CLIENTS)).toBe(403);
  });

  it('has each scope and each account once, in the order in which they were first named', async () => {
    const named = {
      scopes: ['ip:read', 'token:read', 'ip:read'],
      accounts: ['wx1111111111111111', APP_ID, 'wx1111111111111111', APP_ID],
    };
    const stored = {
      scopes: ['ip:read', 'token:read'],
      accounts: ['wx1111111111111111', APP_ID],
    };
    const body = { id: 'repeats', name: 'Repeats', ...named };
    expect((await admin(service, 'POST', CLIENTS, body)).body).toMatchObject(stored);
    expect((await admin(service, 'GET', `${CLIENTS}/repeats`)).body).toMatchObject(stored);
    const reversed = { scopes: named.scopes.slice(1), accounts: named.accounts.slice(1) };
    expect((await admin(service, 'PATCH', `${CLIENTS}/repeats`, reversed)).body).toMatchObject({
      scopes: ['token:read', 'ip:read'],
      accounts: [APP_ID, 'wx1111111111111111'],
    });
  });

  it('is updated field by field, and at once', async () => {
    const { key, keys } = await makeClient(service, { id: 'one', accounts: [OTHER_APP_ID] });
    const path = `${CLIENTS}/one`;
    const widened = await admin<ClientBody>(service, 'PATCH', path, { accounts: [APP_ID] });
    expect(widened.status).toBe(200);
    expect(widened.body).toMatchObject({ name: 'A server', accounts: [APP_ID] });
    expect(await statusOf(key)).toBe(200);
    await admin(service, 'PATCH', path, { scopes: ['ip:read', 'token:report', 'ip:read'] });
    expect(await statusOf(key)).toBe(403);
    expect(await statusOf(key, REPORT)).toBe(200);
    await admin(service, 'PATCH', path, { name: '订单', accounts: 'all' });
    expect(await show('one')).toMatchObject({
      name: '订单',
      scopes: ['ip:read', 'token:report'],
      accounts: 'all',
      keys,
    });
    const unchanged = await admin<ClientBody>(service, 'PATCH', path, {});
    expect([unchanged.status, unchanged.body]).toEqual([200, await show('one')]);
  });

  it('has the rules of the gateway that it is given, each once, and keeps those that are left out', async () => {
    const rules = ['POST /cgi-bin/draft/*', '@drafts-and-media', 'POST /cgi-bin/draft/*'];
    const made = await makeClient(service, { id: 'one', gateway: { allow: rules } });
    const allow = ['POST /cgi-bin/draft/*', '@drafts-and-media'];
    expect(made.gateway).toEqual({ allow, per_minute: 600 });
    for (const [change, expected] of [
      [{ per_minute: 5 }, { allow, per_minute: 5 }],
      [{ allow: ['* /*'] }, { allow: ['* /*'], per_minute: 5 }],
      [{}, { allow: ['* /*'], per_minute: 5 }],
      [
        { allow: [], per_minute: 100_000 },
        { allow: [], per_minute: 100_000 },
      ],
    ]) {
      const answer = await admin(service, 'PATCH', `${CLIENTS}/one`, { gateway: change });
      expect(answer.body).toMatchObject({ gateway: expected });
      expect((await show('one')).gateway).toEqual(expected);
    }
    await admin(service, 'PATCH', `${CLIENTS}/one`, { name: 'Another' });
    expect((await show('one')).gateway).toEqual({ allow: [], per_minute: 100_000 });
  });

  it('is known by the ids of its keys, with its rules, on every replica', async () => {
    const other = await another();
    const gateway = { allow: ['GET /a'], per_minute: 7 };
    const { keys } = await makeClient(service, { id: 'one', gateway });
    const second = await makeKey(service, 'one');
    const byId = (asked: Service, id: string): Client | undefined =>
      asked.app.get(ClientDirectory).findByKeyId(id);
    await other.poll();
    for (const asked of [service, other]) {
      const first = byId(asked, keys[0]!.id);
      expect(first).toMatchObject({ id: 'one', gateway: { allow: ['GET /a'], perMinute: 7 } });
      expect(byId(asked, second.id)?.gateway).toBe(first?.gateway);
    }
    await admin(service, 'PATCH', `${CLIENTS}/one`, { gateway: { allow: ['GET /b'] } });
    await admin(service, 'DELETE', `${CLIENTS}/one/keys/${second.id}`);
    await other.poll();
    for (const asked of [service, other]) {
      expect(byId(asked, keys[0]!.id)?.gateway).toEqual({ allow: ['GET /b'], perMinute: 7 });
      expect(byId(asked, second.id)).toBeUndefined();
    }
  });

  it('that expires is refused from then on, until its expiry is moved or removed', async () => {
    const { key } = await makeClient(service, { id: 'one', expires_at: isoIn(60_000) });
    expect(await statusOf(key)).toBe(200);
    service.advance(60_001);
    expect(await statusOf(key)).toBe(401);
    expect(await statusOf(key, CLIENTS)).toBe(401);
    const expires_at = isoIn(60_000);
    const moved = await admin(service, 'PATCH', `${CLIENTS}/one`, { expires_at });
    expect(moved.body).toMatchObject({ expires_at });
    expect(await statusOf(key)).toBe(200);
    service.advance(60_001);
    expect(await statusOf(key)).toBe(401);
    await admin(service, 'PATCH', `${CLIENTS}/one`, { expires_at: null });
    expect(await statusOf(key)).toBe(200);
  });

  it('that is removed takes its keys with it, and its id may be used again', async () => {
    const first = await makeClient(service, { id: 'one' });
    const second = await makeKey(service, 'one');
    const removed = await admin<string>(service, 'DELETE', `${CLIENTS}/one`);
    expect([removed.status, removed.body]).toEqual([204, '']);
    expect([await statusOf(first.key), await statusOf(second.key)]).toEqual([401, 401]);
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/keys'],
      ['DELETE', `/keys/${second.id}`],
    ] as const) {
      const body = method === 'PATCH' ? { name: 'x' } : undefined;
      const answer = await admin(service, method, `${CLIENTS}/one${path}`, body);
      expect([method, answer.status, answer.body.code]).toEqual([method, 404, 'not_found']);
    }
    const again = await makeClient(service, { id: 'one' });
    expect(await statusOf(again.key)).toBe(200);
    expect([await statusOf(first.key), await statusOf(second.key)]).toEqual([401, 401]);
    expect(JSON.stringify(await rows('wtc_client_key'))).not.toContain(hashKey(first.key));
  });

  it('with an id that is taken is not made, and the one that there is stays as it is', async () => {
    const { keys } = await makeClient(service, { id: 'one', name: 'First' });
    for (const id of ['one', 'default']) {
      const body = { id, name: 'Second', scopes: ['token:read'] };
      const answer = await admin(service, 'POST', CLIENTS, body);
      expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
      expect(answer.body.errors?.map(({ path }) => path)).toEqual(['body.id']);
    }
    expect(await show('one')).toMatchObject({ name: 'First', keys });
  });

  it('of one id is made once, however many ask at the same time', async () => {
    const body = { id: 'one', name: 'x', scopes: ['token:read'] };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => admin<ClientBody>(service, 'POST', CLIENTS, body)),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(7);
    expect(await statusOf(made[0]!.body.key)).toBe(200);
    expect((await show('one')).keys).toHaveLength(1);
  });
});

describe('the audit', () => {
  it('names every client and key that was changed, whatever the length of its id, and no key', async () => {
    const id = 'x'.repeat(64);
    const { key, keys } = await makeClient(service, { id });
    const second = await makeKey(service, id);
    await admin(service, 'PATCH', `${CLIENTS}/${id}`, { name: 'Another' });
    await admin(service, 'DELETE', `${CLIENTS}/${id}/keys/${keys[0]!.id}`);
    await admin(service, 'DELETE', `${CLIENTS}/${id}`);
    const made = await makeClient(service);
    const trail = await rows('wtc_audit');
    const seen = trail.map(({ action, target, outcome }) => [action, target, outcome]);
    expect(seen.sort()).toEqual(
      [
        ['client.create', id, 'ok'],
        ['client.create', made.id, 'ok'],
        ['client.delete', id, 'ok'],
        ['client.update', id, 'ok'],
        ['key.create', `${id}/${second.id}`, 'ok'],
        ['key.revoke', `${id}/${keys[0]!.id}`, 'ok'],
      ].sort(),
    );
    expect(JSON.stringify(trail)).not.toMatch(new RegExp(`${key}|${second.key}`));
  });
});

describe('the list of clients', () => {
  it('comes in pages, by id, of those that were not removed', async () => {
    for (const id of ['b', 'e', 'a', 'd', 'c']) {
      await makeClient(service, { id });
    }
    await admin(service, 'DELETE', `${CLIENTS}/c`);
    const seen: string[][] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const body = await page(`?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(body.items.map(({ id }) => id));
      expect(body.items.map(({ keys }) => keys.length)).toEqual(body.items.map(() => 1));
      cursor = body.next_cursor;
    }
    expect(seen).toEqual([
      ['a', 'b'],
      ['d', 'e'],
    ]);
  });
});

describe('keys', () => {
  it('two are active while one is rotated; a third is refused until one is revoked', async () => {
    const { key: first, keys } = await makeClient(service, { id: 'one' });
    const second = await makeKey(service, 'one', { name: 'new servers' });
    expect(second).toMatchObject({ name: 'new servers', last_used_at: null, expires_at: null });
    expect([await statusOf(first), await statusOf(second.key)]).toEqual([200, 200]);
    const third = await admin(service, 'POST', `${CLIENTS}/one/keys`);
    expect([third.status, third.body.code]).toEqual([400, 'validation_failed']);
    expect((await show('one')).keys).toHaveLength(2);

    const path = `${CLIENTS}/one/keys/${keys[0]!.id}`;
    expect((await admin(service, 'DELETE', path)).status).toBe(204);
    expect([await statusOf(first), await statusOf(second.key)]).toEqual([401, 200]);
    expect((await admin(service, 'DELETE', path)).status).toBe(404);
    expect((await show('one')).keys.map(({ id }) => id)).toEqual([second.id]);
    expect(await statusOf((await makeKey(service, 'one')).key)).toBe(200);
  });

  it('never more than two are active, however many are asked for at the same time', async () => {
    await makeClient(service, { id: 'one' });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => admin(service, 'POST', `${CLIENTS}/one/keys`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      201,
      ...Array.from({ length: 7 }, () => 400),
    ]);
    expect((await show('one')).keys).toHaveLength(2);
  });

  it('with an expiry of its own ends by itself, and makes room for the next', async () => {
    const { key: first } = await makeClient(service, { id: 'one' });
    const expiresAt = isoIn(60_000);
    const second = await makeKey(service, 'one', { expires_at: expiresAt });
    expect(second.expires_at).toBe(expiresAt);
    expect(await statusOf(second.key)).toBe(200);
    service.advance(60_001);
    expect([await statusOf(first), await statusOf(second.key)]).toEqual([200, 401]);
    expect(await statusOf((await makeKey(service, 'one')).key)).toBe(200);
    expect(await statusOf(second.key)).toBe(401);
  });

  it('say where they are revoked', async () => {
    await makeClient(service, { id: 'one' });
    const made = await admin<KeyBody>(service, 'POST', `${CLIENTS}/one/keys`);
    const location = made.headers.get('location') ?? '';
    expect(location).toBe(`${CLIENTS}/one/keys/${made.body.id}`);
    expect((await admin(service, 'DELETE', location)).status).toBe(204);
    expect(await statusOf(made.body.key)).toBe(401);
  });

  it('of another client are not revoked under this one', async () => {
    const { key, keys } = await makeClient(service, { id: 'one' });
    await makeClient(service, { id: 'two' });
    const answer = await admin(service, 'DELETE', `${CLIENTS}/two/keys/${keys[0]!.id}`);
    expect(answer.status).toBe(404);
    expect(await statusOf(key)).toBe(200);
  });

  it('that are mistyped are refused; those of the environment are taken as they are', async () => {
    const { key } = await makeClient(service);
    const mistyped = key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A');
    expect(await statusOf(mistyped)).toBe(401);
    const other = await startService(wechat, {
      DATABASE_URL: database.url,
      CLIENT_API_KEY: 'wtc_of-our-own-making',
      ADMIN_API_KEY: 'wtc_and-of-an-admin-too',
    });
    others.push(other);
    await other.ready();
    expect(await statusOf('wtc_of-our-own-making', READ, other)).toBe(200);
    expect(await statusOf('wtc_and-of-an-admin-too', CLIENTS, other)).toBe(200);
    expect(await statusOf('wtc_of-our-own-makinG', READ, other)).toBe(401);
  });
});

describe('last_used_at', () => {
  const flush = (): Promise<void> => service.app.get(ClientScheduler).flush();
  const lastUse = async (id: string): Promise<string | null | undefined> =>
    (await show(id)).keys[0]?.last_used_at;

  it('is written down with the minute, not with the request, and tells nobody to read the key again', async () => {
    const { key } = await makeClient(service, { id: 'one' });
    const before = await rows('wtc_client_key');
    await service.poll();
    expect(await statusOf(key)).toBe(200);
    expect(await lastUse('one')).toBeNull();
    await flush();
    const first = Date.parse((await lastUse('one')) ?? '');
    expect(Math.abs(first - service.app.get(Clock).wallMs())).toBeLessThan(10_000);
    const after = await rows('wtc_client_key');
    expect(after.map((row) => ({ ...row, last_used_at: null }))).toEqual(before);

    service.advance(3_600_000);
    await service.poll();
    await flush();
    expect(Date.parse((await lastUse('one')) ?? '')).toBe(first);
    expect(await statusOf(key)).toBe(200);
    await flush();
    expect(Date.parse((await lastUse('one')) ?? '')).toBeGreaterThan(first + 3_500_000);
  });

  it('survives a change of the client, and a key that was refused is not used', async () => {
    const { key } = await makeClient(service, { id: 'one', expires_at: isoIn(60_000) });
    expect(await statusOf(key)).toBe(200);
    await admin(service, 'PATCH', `${CLIENTS}/one`, { name: 'Another' });
    await flush();
    const used = await lastUse('one');
    expect(used).not.toBeNull();
    service.advance(60_001);
    await service.poll();
    expect(await statusOf(key)).toBe(401);
    await flush();
    expect(await lastUse('one')).toBe(used);
  });

  it('is written down at the end of the process, and the latest of several replicas stays', async () => {
    const { key } = await makeClient(service, { id: 'one' });
    const other = await another();
    other.advance(5_000);
    await other.poll();
    expect(await statusOf(key)).toBe(200);
    expect(await statusOf(key, READ, other)).toBe(200);
    others = [];
    await other.close();
    const later = await lastUse('one');
    expect(later).not.toBeNull();
    await flush();
    expect(await lastUse('one')).toBe(later);
  });
});

describe('another replica', () => {
  it('takes a new key, and refuses a revoked one, within 2 s', async () => {
    const other = await another();
    const { id, key, keys } = await makeClient(service);
    await eventually(async () => {
      expect(await statusOf(key, READ, other)).toBe(200);
    }, WITHIN_MS);
    await admin(service, 'DELETE', `${CLIENTS}/${id}/keys/${keys[0]!.id}`);
    await eventually(async () => {
      expect(await statusOf(key, READ, other)).toBe(401);
    }, WITHIN_MS);
  });

  it('obeys a change of scopes, accounts and expiry, and a removal, within 2 s', async () => {
    const other = await another();
    const { id, key } = await makeClient(service);
    const path = `${CLIENTS}/${id}`;
    for (const [change, status] of [
      [{ name: 'Another' }, 200],
      [{ scopes: ['ip:read'] }, 403],
      [{ scopes: ['token:read'] }, 200],
      [{ accounts: [OTHER_APP_ID] }, 403],
      [{ accounts: 'all' }, 200],
    ] as const) {
      await admin(service, 'PATCH', path, change);
      await eventually(async () => {
        expect(await statusOf(key, READ, other)).toBe(status);
      }, WITHIN_MS);
    }
    await admin(service, 'PATCH', path, { expires_at: isoIn(60_000) });
    await other.poll();
    service.advance(60_001);
    other.advance(60_001);
    expect(await statusOf(key, READ, other)).toBe(401);
    await admin(service, 'PATCH', path, { expires_at: null });
    await eventually(async () => {
      expect(await statusOf(key, READ, other)).toBe(200);
    }, WITHIN_MS);
    await admin(service, 'DELETE', path);
    await eventually(async () => {
      expect(await statusOf(key, READ, other)).toBe(401);
    }, WITHIN_MS);
  });

  it('learns of rows that are gone without a tombstone', async () => {
    const other = await another();
    const { id, key } = await makeClient(service);
    await eventually(async () => {
      expect(await statusOf(key, READ, other)).toBe(200);
    }, WITHIN_MS);
    // As when the database was restored from a backup: the rows are gone, and nothing tells of it.
    await service.app.get(DataSource).query('DELETE FROM wtc_client_key');
    await other.poll();
    expect(await statusOf(key, READ, other)).toBe(401);
    expect((await show(id)).keys).toEqual([]);
  });

  it('that starts later knows the clients as soon as it is ready', async () => {
    const { key } = await makeClient(service);
    const other = await another();
    expect(await statusOf(key, READ, other)).toBe(200);
  });
});

describe('tombstones', () => {
  it('are kept for a day, without the hash, and then removed', async () => {
    const purge = (): Promise<void> => service.app.get(RetentionService).purge();
    await makeClient(service, { id: 'stays' });
    const { keys } = await makeClient(service, { id: 'goes' });
    await makeKey(service, 'goes');
    await admin(service, 'DELETE', `${CLIENTS}/goes/keys/${keys[0]!.id}`);
    await admin(service, 'DELETE', `${CLIENTS}/goes`);
    await purge();
    expect(
      [await rows('wtc_client'), await rows('wtc_client_key')].map(({ length }) => length),
    ).toEqual([2, 3]);
    expect((await rows('wtc_client_key')).filter(({ hash }) => hash === null)).toHaveLength(2);
    service.advance(DAY_MS + 1_000);
    await purge();
    expect(await rows('wtc_client')).toMatchObject([{ id: 'stays' }]);
    expect(await rows('wtc_client_key')).toHaveLength(1);
    expect((await show('stays')).keys).toHaveLength(1);
  });
});

describe('a start while the database cannot be reached', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wtc-clients-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('is unready, puts off what may be a stored key, and reads the clients when it is back', async () => {
    const obstacle = join(folder, 'data');
    writeFileSync(obstacle, 'a file where a folder should be');
    const other = await startService(wechat, {
      DATABASE_URL: `sqlite:${join(obstacle, 'test.sqlite')}`,
    });
    others.push(other);
    const ready = await other.call<{ reasons: string[] }>('GET', '/readyz');
    expect(ready.status).toBe(503);
    expect(ready.body.reasons).toContain('clients: not loaded from the database yet');
    const { key } = await makeClient(service);
    const unknown = await other.call<ProblemBody>('GET', READ, { key });
    expect([unknown.status, unknown.body.code]).toEqual([503, 'database_unavailable']);
    expect(unknown.headers.get('retry-after')).toBe('1');
    expect(await statusOf(key, CLIENTS, other)).toBe(503);
    // Its key is known: what is missing is the account.
    expect(await statusOf(CLIENT_KEY, READ, other)).toBe(503);
    expect(await statusOf(CLIENT_KEY, CLIENTS, other)).toBe(403);
    expect(await statusOf('wtc_mistyped', READ, other)).toBe(401);
    expect(await statusOf(ADMIN_KEY, READ, other)).toBe(403);
    // No stored key looks so: whoever guesses at one of the environment is counted meanwhile.
    for (let attempt = 0; attempt < 19; attempt += 1) {
      expect(await statusOf(`guess-${attempt}`, CLIENTS, other)).toBe(401);
    }
    expect(await statusOf('guess-19', CLIENTS, other)).toBe(429);

    rmSync(obstacle);
    await other.ready();
    other.advance(60_000);
    expect(await statusOf(key, READ, other)).toBe(401);
    expect(await statusOf(CLIENT_KEY, READ, other)).toBe(200);
  });
});
