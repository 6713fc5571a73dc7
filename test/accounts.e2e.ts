import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { AccountEditorService } from '../src/wechat/accounts/account-editor.service.js';
import { CredentialRepository } from '../src/wechat/credentials/credential.repository.js';
import { RefreshService } from '../src/wechat/credentials/refresh.service.js';
import { TicketDemandRepository } from '../src/wechat/tickets/ticket-demand.repository.js';
import { TicketDemandScheduler } from '../src/wechat/tickets/ticket-demand.scheduler.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { FETCH_PATH, PROBE_PATH } from './support/pair.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  ENCRYPTION_KEY,
  CLIENT_KEY,
  startService,
  type Answer,
  type ProblemBody,
  type Service,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* Accounts that come, change and go while the service runs, here and on another replica. */

const OTHER = 'wx00000000000000aa';
const SECRET = 'canary-other-secret-0123456789';
const NEW_SECRET = 'canary-changed-secret-012345';
const ACCOUNTS = '/v1/admin/accounts';
/** Contract: every replica obeys within 2 s. */
const OBEYED_MS = 2_000;

interface State {
  readonly app_id: string;
  readonly name: string | null;
  readonly mode: string;
  readonly enabled: boolean;
  readonly access_token: {
    readonly state: string;
    readonly version: number;
    readonly expires_in: number | null;
    readonly next_refresh_at: string | null;
    readonly upstream_calls_today: number;
    readonly last_error: { errcode: number | null; advice: string } | null;
  };
}
type StateAnswer = Answer<State & ProblemBody>;

let database: TestDatabase;
let wechat: Simulator;
let service: Service;
let services: Service[];

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator({
    accounts: [
      { appId: APP_ID, secret: APP_SECRET },
      { appId: OTHER, secret: SECRET },
    ],
  });
  services = [];
  service = await start();
});

afterEach(async () => {
  await Promise.all(services.map((one) => one.close()));
  await wechat.close();
  await database.remove();
});

/** A replica; the first one brings the environment's account. */
async function start(changes = {}): Promise<Service> {
  const one = await startService(wechat, { DATABASE_URL: database.url, ...changes });
  services.push(one);
  await one.ready();
  return one;
}

async function stop(one: Service): Promise<void> {
  services = services.filter((other) => other !== one);
  await one.close();
}

function add(body: object = {}, on = service): Promise<StateAnswer> {
  const account = { app_id: OTHER, app_secret: SECRET, ...body };
  return on.call('POST', ACCOUNTS, { key: ADMIN_KEY, body: account });
}

function alter(body: unknown, appId = OTHER): Promise<StateAnswer> {
  return service.call('PATCH', `${ACCOUNTS}/${appId}`, { key: ADMIN_KEY, body });
}

function remove(appId = OTHER): Promise<Answer<string & ProblemBody>> {
  return service.call('DELETE', `${ACCOUNTS}/${appId}`, { key: ADMIN_KEY });
}

function show(appId = OTHER, on = service): Promise<StateAnswer> {
  return on.call('GET', `${ACCOUNTS}/${appId}`, { key: ADMIN_KEY });
}

function read(on = service, query = '?wait=0'): ReturnType<Service['read']> {
  return on.read(query, OTHER);
}

function fetches(mode: 'stable' | 'legacy' = 'stable'): Promise<number> {
  return wechat.countCalls({ path: FETCH_PATH[mode], appId: OTHER, foreign: false });
}

/** Time passes for everybody; nothing that is due is done yet. */
async function pass(seconds: number): Promise<void> {
  await wechat.advance(seconds * 1_000);
  for (const one of services) {
    one.advance(seconds * 1_000);
  }
  await Promise.all(services.map((one) => one.poll()));
}

function rows(table: string): Promise<Record<string, unknown>[]> {
  const sql = `SELECT * FROM ${table} WHERE app_id = '${OTHER}'`;
  return service.app.get(DataSource).query<Record<string, unknown>[]>(sql);
}

describe('an account that is added', () => {
  it('is answered with its state before WeChat is, and its token is fetched at once', async () => {
    await wechat.fault({ kind: 'hang', path: FETCH_PATH.stable, times: 1 });
    const answer = await add({ name: '公众号 🙂' });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`${ACCOUNTS}/${OTHER}`);
    expect(answer.body).toMatchObject({
      app_id: OTHER,
      name: '公众号 🙂',
      mode: 'stable',
      enabled: true,
      access_token: { state: 'empty', version: 0 },
    });
    expect(JSON.stringify(answer.body)).not.toContain(SECRET);
    await wechat.untilCalls({ path: FETCH_PATH.stable, appId: OTHER });
    expect((await service.call('GET', '/readyz')).status).toBe(200);
    expect((await read(service, '?wait=10')).status).toBe(200);
    expect((await show()).body).toMatchObject({
      name: '公众号 🙂',
      access_token: { state: 'live', version: expect.any(Number) },
    });
  });

  it('a second time: 409, and nothing is changed', async () => {
    await add({ name: 'first' });
    await read(service, '?wait=5');
    const second = await add({ name: 'second', mode: 'legacy', app_secret: 'another' });
    expect([second.status, second.body.code]).toEqual([409, 'account_exists']);
    expect((await show()).body).toMatchObject({ name: 'first', mode: 'stable' });
    expect(await fetches()).toBe(1);
  });

  it('twice at once: one is added', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => add()));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    expect((await read(service, '?wait=5')).status).toBe(200);
    expect(await fetches()).toBe(1);
  });

  it('with a secret that WeChat refuses shows it as its error, and stops nothing', async () => {
    expect((await add({ app_secret: 'wrong-secret-0123456789' })).status).toBe(201);
    await service.tick();
    expect((await show()).body.access_token).toMatchObject({
      state: 'blocked',
      last_error: { errcode: 40125, advice: expect.stringContaining('AppSecret') },
    });
    expect((await read()).status).toBe(503);
    expect((await service.read()).status).toBe(200);
    expect((await service.call('GET', '/readyz')).status).toBe(200);
  });

  it('switched off fetches nothing', async () => {
    expect((await add({ enabled: false })).body.enabled).toBe(false);
    await service.tick();
    expect((await read()).status).toBe(403);
    expect(await fetches()).toBe(0);
  });
});

describe('an account that is altered', () => {
  it('a changed secret is tried at once, past the pause after a failure', async () => {
    await add({ app_secret: 'wrong-secret-0123456789' });
    await service.tick();
    await pass(3);
    await service.tick();
    expect(await fetches()).toBe(1);
    expect((await alter({ app_secret: SECRET })).status).toBe(200);
    expect((await read(service, '?wait=5')).status).toBe(200);
    expect(await fetches()).toBe(2);
  });

  it('the same secret again asks WeChat for nothing', async () => {
    await add();
    await read(service, '?wait=5');
    await pass(3);
    expect((await alter({ app_secret: SECRET, name: 'named' })).body.name).toBe('named');
    await service.tick();
    expect(await fetches()).toBe(1);
  });

  it('a changed mode refreshes by the other call; the old token is served meanwhile', async () => {
    await add();
    const before = (await read(service, '?wait=5')).body;
    await pass(6);
    await wechat.fault({ kind: 'delay', path: FETCH_PATH.legacy, delayMs: 300, times: 1 });
    expect((await alter({ mode: 'legacy' })).body.mode).toBe('legacy');
    expect((await read()).body.access_token).toBe(before.access_token);
    await service.tick();
    const after = (await read()).body;
    expect(after.access_token).not.toBe(before.access_token);
    expect(after.version).toBeGreaterThan(before.version);
    expect([await fetches('stable'), await fetches('legacy')]).toEqual([1, 1]);
  });

  it('a name is set, kept and taken away', async () => {
    await add({ name: 'shop' });
    expect((await alter({})).body.name).toBe('shop');
    expect((await alter({ name: null })).body.name).toBeNull();
  });

  it('switched off: 403 to clients, those who wait among them; neither refreshed nor probed', async () => {
    await add({ mode: 'legacy' });
    const { access_token: token } = (await read(service, '?wait=5')).body;
    await pass(6);
    expect((await alter({ enabled: false })).body).toMatchObject({
      enabled: false,
      access_token: { next_refresh_at: null },
    });
    expect((await read()).status).toBe(403);
    const report = await service.call('POST', `/v1/accounts/${OTHER}/access-token/report`, {
      key: CLIENT_KEY,
      body: { access_token: token },
    });
    expect(report.status).toBe(403);
    const refresh = await service.call<ProblemBody>(
      'POST',
      `${ACCOUNTS}/${OTHER}/access-token/refresh`,
      { key: ADMIN_KEY },
    );
    expect([refresh.status, refresh.body.detail]).toEqual([
      403,
      expect.stringContaining('switched off'),
    ]);
    await service.app
      .get(DataSource)
      .query(
        `UPDATE wtc_credential SET suspect_at = 1, unknown_outcomes = 2 WHERE app_id = '${OTHER}'`,
      );
    await pass(7_000);
    await service.tick();
    expect(await wechat.countCalls({ path: PROBE_PATH, appId: OTHER })).toBe(0);
    expect(await fetches('legacy')).toBe(1);
  });

  it('switched off while a client waits for its first token: the wait ends with 403', async () => {
    await wechat.fault({ kind: 'hang', path: FETCH_PATH.stable, times: 'always' });
    await add();
    const waiting = read(service, '?wait=20');
    await wechat.untilCalls({ path: FETCH_PATH.stable, appId: OTHER });
    await alter({ enabled: false });
    expect((await waiting).status).toBe(403);
  });

  it('switched on again: the stored token is served while it lives, else another is fetched', async () => {
    await add();
    const { access_token: token } = (await read(service, '?wait=5')).body;
    await alter({ enabled: false });
    await alter({ enabled: true });
    await service.tick();
    expect((await read()).body.access_token).toBe(token);
    expect(await fetches()).toBe(1);
    await alter({ enabled: false });
    await pass(8_000);
    await alter({ enabled: true });
    expect((await read(service, '?wait=5')).body.access_token).not.toBe(token);
    expect(await fetches()).toBe(2);
  });
});

describe('an account that is removed', () => {
  it('is gone with its secret and its credentials; its history stays', async () => {
    await add();
    await read(service, '?wait=5');
    const removed = await remove();
    expect([removed.status, removed.body]).toEqual([204, '']);
    expect((await read()).status).toBe(403);
    expect((await show()).body.code).toBe('account_not_found');
    expect((await remove()).body.code).toBe('account_not_found');
    expect((await alter({ name: 'x' })).body.code).toBe('account_not_found');
    await service.poll();
    expect(await rows('wtc_credential')).toEqual([]);
    expect(await rows('wtc_account')).toMatchObject([{ secret: '', name: null }]);
    expect(await rows('wtc_refresh_history')).toMatchObject([{ outcome: 'committed' }]);
  });

  it('a client that waits for its token is refused at once', async () => {
    await wechat.fault({ kind: 'delay', path: FETCH_PATH.stable, delayMs: 500, times: 'always' });
    await add();
    const waiting = read(service, '?wait=20');
    await wechat.untilCalls({ path: FETCH_PATH.stable, appId: OTHER });
    await remove();
    expect((await waiting).status).toBe(403);
  });

  it('a refresh under way does not bring anything of it back', async () => {
    await wechat.fault({ kind: 'delay', path: FETCH_PATH.stable, delayMs: 500, times: 'always' });
    await add();
    await wechat.untilCalls({ path: FETCH_PATH.stable, appId: OTHER });
    await remove();
    await service.tick();
    await service.poll();
    expect(await rows('wtc_credential')).toEqual([]);
    expect(await rows('wtc_refresh_history')).toMatchObject([{ outcome: 'fenced_off' }]);
    expect((await read()).status).toBe(403);
  });

  it('and added again works like new, and no version goes back', async () => {
    await add({ name: 'first' });
    const { version } = (await read(service, '?wait=5')).body;
    await remove();
    expect((await add({ mode: 'legacy' })).body).toMatchObject({ name: null, mode: 'legacy' });
    const again = (await read(service, '?wait=5')).body;
    expect(again.version).toBeGreaterThan(version);
    await service.poll();
    expect((await read()).body.version).toBe(again.version);
  });

  it('stays removed after a restart', async () => {
    await add();
    await read(service, '?wait=5');
    await remove();
    await stop(service);
    service = await start();
    expect((await show()).status).toBe(404);
    expect(await rows('wtc_credential')).toEqual([]);
  });

  it('a list of addresses of it is not asked for any more', async () => {
    await add();
    await read(service, '?wait=5');
    const list = `/v1/accounts/${OTHER}/ip-list`;
    expect((await service.call('GET', list, { key: CLIENT_KEY })).status).toBe(200);
    await remove();
    expect((await service.call('GET', list, { key: CLIENT_KEY })).status).toBe(403);
  });
});

describe('an imported token', () => {
  it('legacy: it is handed out, and no other one is fetched before it is due', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'legacy');
    await pass(1_200);
    const answer = await add({ mode: 'legacy', access_token: accessToken, expires_in: 6_000 });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      enabled: true,
      access_token: { state: 'live', upstream_calls_today: 0 },
    });
    await service.tick();
    const token = (await read()).body;
    expect(token.access_token).toBe(accessToken);
    expect(token.expires_in).toBeGreaterThan(5_990);
    expect(token.cache_for).toBe(60);
    const { next_refresh_at: next } = (await show()).body.access_token;
    const dueSeconds = (Date.parse(next ?? '') - Date.now()) / 1_000 - 1_200;
    // Two thirds of 6,000 s, up to 5 % earlier.
    expect(dueSeconds).toBeGreaterThan(3_795);
    expect(dueSeconds).toBeLessThan(4_001);
    await pass(3_785);
    await service.tick();
    expect(await fetches('legacy')).toBe(0);
    await pass(2_200);
    await service.tick();
    expect(await fetches('legacy')).toBe(1);
    expect((await read()).body.version).toBeGreaterThan(token.version);
  });

  it('stable: it is handed out, and the AppSecret is tried at once, which ends no token', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'stable');
    expect((await add({ access_token: accessToken, expires_in: 6_000 })).status).toBe(201);
    await service.app.get(RefreshService).settled();
    expect((await read()).body.access_token).toBe(accessToken);
    expect(await fetches('stable')).toBe(1);
    expect((await show()).body.access_token).toMatchObject({ state: 'live', last_error: null });
    await service.tick();
    expect(await fetches('stable')).toBe(1);
  });

  it('stable, with a wrong AppSecret: its error shows at once, and the token is served', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'stable');
    const account = { app_secret: NEW_SECRET, access_token: accessToken, expires_in: 6_000 };
    expect((await add(account)).status).toBe(201);
    await service.app.get(RefreshService).settled();
    expect((await show()).body.access_token).toMatchObject({
      state: 'blocked',
      last_error: { errcode: 40125 },
    });
    expect((await read()).body.access_token).toBe(accessToken);
  });

  it('stable, from the other call of WeChat: the one of our own call follows, and both live', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'legacy');
    await add({ access_token: accessToken, expires_in: 6_000 });
    await service.app.get(RefreshService).settled();
    const token = (await read()).body;
    expect([token.access_token === accessToken, token.version]).toEqual([false, 2]);
  });

  it.each(['legacy', 'stable'] as const)(
    '%s: one that WeChat refuses is refused, and nothing is stored',
    async (mode) => {
      const token = { mode, access_token: 'not-a-token-of-wechat', expires_in: 7_000 };
      const { status, body } = await add(token);
      expect([status, body.code]).toEqual([400, 'validation_failed']);
      expect(body.errors).toEqual([
        { path: 'body.access_token', message: expect.stringMatching(/^WeChat refuses it/) },
      ]);
      expect((await show()).status).toBe(404);
      expect(await rows('wtc_account')).toEqual([]);
      expect(await rows('wtc_credential')).toEqual([]);
    },
  );

  it('while WeChat is away: it is taken unproved, and proved once WeChat answers', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'legacy');
    await wechat.fault({ kind: 'reset_before', path: PROBE_PATH, times: 'always' });
    const answer = await add({ mode: 'legacy', access_token: accessToken, expires_in: 7_000 });
    expect([answer.status, answer.body.access_token.state]).toEqual([201, 'suspect']);
    expect((await read()).body.access_token).toBe(accessToken);
    await wechat.clearFaults();
    await pass(31);
    await eventually(async () => {
      expect((await show()).body.access_token.state).toBe('live');
    });
    await pass(300);
    expect((await read()).body.access_token).toBe(accessToken);
    expect(await fetches('legacy')).toBe(0);
  });

  it('taken unproved, and dead: it is replaced once WeChat answers', async () => {
    await wechat.fault({ kind: 'reset_before', path: PROBE_PATH, times: 'always' });
    const token = { mode: 'legacy', access_token: 'not-a-token-of-wechat', expires_in: 7_000 };
    expect((await add(token)).status).toBe(201);
    await wechat.clearFaults();
    await pass(31);
    await eventually(async () => {
      expect((await show()).body.access_token.state).toBe('dead');
    });
    await service.tick();
    expect((await read()).body.access_token).toBe(
      (await wechat.newestToken(OTHER, 'legacy'))?.accessToken,
    );
  });

  it('is sealed in the database, survives a restart, and stands in the history', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'legacy');
    await add({ mode: 'legacy', access_token: accessToken, expires_in: 7_000 });
    expect(JSON.stringify(await rows('wtc_credential'))).not.toContain(accessToken);
    expect(await rows('wtc_refresh_history')).toMatchObject([
      { cause: 'import', outcome: 'committed' },
    ]);
    await stop(service);
    service = await start();
    expect((await read()).body.access_token).toBe(accessToken);
    expect(await fetches('legacy')).toBe(0);
    expect(services.map(({ logged }) => logged).join('')).not.toContain(accessToken);
  });

  it('with an account that is switched off waits there', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'stable');
    await add({ enabled: false, access_token: accessToken, expires_in: 7_000 });
    expect((await read()).status).toBe(403);
    await alter({ enabled: true });
    expect((await read()).body.access_token).toBe(accessToken);
  });

  it('with little life left is refreshed when a third of that is left, without any haste before', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'legacy');
    await add({ mode: 'legacy', access_token: accessToken, expires_in: 900 });
    await pass(560);
    await service.tick();
    expect(await fetches('legacy')).toBe(0);
    await pass(60);
    await service.tick();
    expect(await fetches('legacy')).toBe(1);
  });
});

describe('another replica', () => {
  let other: Service;

  beforeEach(async () => {
    other = await start({ WECHAT_APP_ID: undefined, WECHAT_APP_SECRET: undefined });
  });

  /** By the other replica's own poll: nothing is helped along. */
  function soon(check: () => Promise<void>): Promise<void> {
    return eventually(check, OBEYED_MS);
  }

  it('serves an account within 2 s that was added here, and neither fetches twice', async () => {
    await add();
    const { access_token: token } = (await read(service, '?wait=5')).body;
    await soon(async () => {
      expect((await read(other)).body.access_token).toBe(token);
    });
    await other.tick();
    expect(await fetches()).toBe(1);
  });

  it('that was asked for the same account at once refuses it, and serves it all the same', async () => {
    await add();
    expect((await add({}, other)).body.code).toBe('account_exists');
    await soon(async () => {
      expect((await read(other)).status).toBe(200);
    });
    expect(await fetches()).toBe(1);
  });

  it('refuses within 2 s what was switched off or removed here, and its poll brings nothing back', async () => {
    await add();
    await read(service, '?wait=5');
    await soon(async () => {
      expect((await read(other)).status).toBe(200);
    });
    await alter({ enabled: false });
    await soon(async () => {
      expect((await read(other)).status).toBe(403);
    });
    await alter({ enabled: true });
    await soon(async () => {
      expect((await read(other)).status).toBe(200);
    });
    await remove();
    await soon(async () => {
      expect((await show(OTHER, other)).status).toBe(404);
    });
    await other.poll();
    await service.poll();
    expect(await rows('wtc_credential')).toEqual([]);
  });

  it('drops a fetch of its own for an account that was removed here and added again', async () => {
    await add({ mode: 'legacy' });
    const before = (await read(service, '?wait=5')).body;
    await soon(async () => {
      expect((await read(other)).status).toBe(200);
    });
    await pass(6);
    await wechat.fault({ kind: 'delay', path: FETCH_PATH.legacy, delayMs: 700, times: 1 });
    const refresh = other.call('POST', `${ACCOUNTS}/${OTHER}/access-token/refresh`, {
      key: ADMIN_KEY,
    });
    await wechat.untilCalls({ path: FETCH_PATH.legacy, outcome: 'in_flight' });
    await remove();
    await add({ mode: 'legacy' });
    const after = (await read(service, '?wait=5')).body;
    await refresh;
    await soon(async () => {
      const { body } = await read(other);
      expect(body.version).toBeGreaterThan(before.version);
      expect(body.version).toBe((await read()).body.version);
    });
    expect(after.version).toBeGreaterThan(before.version);
    // Which of the two fetches came last is not known here: one more settles it, by either replica.
    await pass(30);
    await Promise.all([service.tick(), other.tick()]);
    await soon(async () => {
      const { accessToken } = (await wechat.newestToken(OTHER, 'legacy'))!;
      expect((await read()).body.access_token).toBe(accessToken);
      expect((await read(other)).body.access_token).toBe(accessToken);
    });
    expect(await fetches('legacy')).toBe(4);
  });

  it('that does not know the new secret yet does not try the old one over it', async () => {
    await add();
    await read(service, '?wait=5');
    await soon(async () => {
      expect((await read(other)).status).toBe(200);
    });
    await pass(3);
    await wechat.alterAccount(OTHER, { secret: NEW_SECRET });
    // Both replicas' next poll comes later than this.
    await alter({ app_secret: NEW_SECRET });
    const late = other.call('POST', `${ACCOUNTS}/${OTHER}/access-token/refresh?wait=5`, {
      key: ADMIN_KEY,
    });
    await service.tick();
    await late;
    await soon(async () => {
      expect((await show(OTHER, other)).body.access_token).toMatchObject({
        state: 'live',
        last_error: null,
      });
    });
  });
});

describe('for SDKs under /cgi-bin', () => {
  async function errcodeOf(token: string, on = service): Promise<number | undefined> {
    const path = `/cgi-bin/getcallbackip?access_token=${token}`;
    return (await on.call<{ errcode?: number }>('GET', path)).body.errcode;
  }

  it('the token of a removed account is refused, and the one before it, by every replica', async () => {
    const other = await start();
    await add({ mode: 'legacy' });
    const { access_token: first } = (await read(service, '?wait=5')).body;
    await pass(4_801);
    await service.tick();
    const { access_token: second } = (await read()).body;
    expect(second).not.toBe(first);
    const accepted = async (on: Service): Promise<unknown> => [
      await errcodeOf(first, on),
      await errcodeOf(second, on),
    ];
    await other.poll();
    for (const on of services) {
      expect(await accepted(on)).toEqual([undefined, undefined]);
    }

    await remove();
    expect(await accepted(service)).toEqual([40001, 40001]);
    await eventually(async () => {
      expect(await accepted(other)).toEqual([40001, 40001]);
    }, OBEYED_MS);

    await add({ mode: 'legacy' });
    const { access_token: third } = (await read(service, '?wait=5')).body;
    expect(await accepted(service)).toEqual([40001, 40001]);
    expect(await errcodeOf(third)).toBeUndefined();
    await eventually(async () => {
      expect(await errcodeOf(third, other)).toBeUndefined();
    }, OBEYED_MS);
    expect(await accepted(other)).toEqual([40001, 40001]);
  });

  it('the token of an account that is switched off is refused until it is switched on', async () => {
    await add();
    const { access_token: token } = (await read(service, '?wait=5')).body;
    await alter({ enabled: false });
    expect(await errcodeOf(token)).toBe(40013);
    await alter({ enabled: true });
    expect(await errcodeOf(token)).toBeUndefined();
  });

  it('an imported token is good at once', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'stable');
    await add({ access_token: accessToken, expires_in: 7_000 });
    expect(await errcodeOf(accessToken)).toBeUndefined();
  });
});

describe('the tickets of an account', () => {
  const TICKET_PATH = '/cgi-bin/ticket/getticket';
  const THIRD = 2_401;

  interface Ticket {
    readonly ticket: string;
    readonly version: number;
  }

  /** Reads a ticket. Who waits has it once it is stored, a moment before the refresh has ended. */
  async function ticket(type = 'jsapi', on = service): Promise<Answer<Ticket & ProblemBody>> {
    const path = `/v1/accounts/${OTHER}/tickets/${type}`;
    const answer = await on.call<Ticket & ProblemBody>('GET', path, { key: CLIENT_KEY });
    await on.app.get(RefreshService).settled();
    return answer;
  }

  const exchange = (on = service): Promise<void> => on.app.get(TicketDemandScheduler).tick();
  const calls = (): Promise<number> => wechat.countCalls({ path: TICKET_PATH, appId: OTHER });

  async function later(seconds: number): Promise<void> {
    await pass(seconds);
    for (const one of services) {
      await exchange(one);
      await one.tick();
      // For what had to wait for the token.
      await one.tick();
    }
  }

  it('begin at first need, and every replica hands out the same', async () => {
    const other = await start();
    await add();
    const first = await ticket();
    expect(first.status).toBe(200);
    await eventually(async () => {
      expect((await ticket('jsapi', other)).body).toMatchObject({
        ticket: first.body.ticket,
        version: first.body.version,
      });
    }, OBEYED_MS);
    expect(await calls()).toBe(1);
    expect((await ticket('wx_card', other)).status).toBe(200);
    expect((await ticket('wx_card')).status).toBe(200);
    expect(await calls()).toBe(2);
    await later(THIRD);
    expect(await calls()).toBe(4);
  });

  it('are gone with it, of all kinds, and nobody wants them any more', async () => {
    const other = await start();
    await add();
    const { version } = (await ticket()).body;
    await ticket('wx_card');
    await eventually(async () => {
      expect((await ticket('jsapi', other)).status).toBe(200);
    }, OBEYED_MS);
    await exchange();
    expect(await rows('wtc_credential')).toHaveLength(3);
    expect(await rows('wtc_ticket_demand')).toHaveLength(2);

    await remove();
    expect(await rows('wtc_credential')).toEqual([]);
    expect(await rows('wtc_ticket_demand')).toEqual([]);
    expect([(await ticket()).status, (await ticket('wx_card')).status]).toEqual([403, 403]);
    await eventually(async () => {
      expect((await ticket('jsapi', other)).status).toBe(403);
    }, OBEYED_MS);
    await later(60);
    expect(await rows('wtc_credential')).toEqual([]);
    expect(await rows('wtc_ticket_demand')).toEqual([]);

    await add();
    await read(service, '?wait=5');
    await eventually(async () => {
      expect((await read(other)).status).toBe(200);
    }, OBEYED_MS);
    await later(60);
    expect(await calls()).toBe(2);
    const again = await ticket();
    expect(again.status).toBe(200);
    expect(again.body.version).toBeGreaterThan(version);
    expect((await ticket('jsapi', other)).body.version).toBe(again.body.version);
  });

  it('switched off: 403, and they are not refreshed; switched on, they are again', async () => {
    await add();
    const first = await ticket();
    await alter({ enabled: false });
    expect([(await ticket()).status, (await ticket('wx_card')).status]).toEqual([403, 403]);
    await later(THIRD);
    expect(await calls()).toBe(1);
    await alter({ enabled: true });
    expect((await ticket()).body.ticket).toBe(first.body.ticket);
    await service.tick();
    expect(await calls()).toBe(2);
  });

  it('first needed while it is removed: nothing stays', async () => {
    await add();
    await read(service, '?wait=5');
    const repository = service.app.get(CredentialRepository);
    const insertEmpty = repository.insertEmpty.bind(repository);
    repository.insertEmpty = async (appId, kind) => {
      await remove();
      await insertEmpty(appId, kind);
    };
    expect((await ticket()).status).toBe(403);
    expect(await rows('wtc_credential')).toEqual([]);
  });

  it('wanted by a replica that learns late of the removal: forgotten at its next exchange', async () => {
    await add();
    await remove();
    await service.app
      .get(TicketDemandRepository)
      .store({ appId: OTHER, type: 'jsapi', askedAtMs: Date.now() });
    expect(await rows('wtc_ticket_demand')).toHaveLength(1);
    await exchange();
    expect(await rows('wtc_ticket_demand')).toEqual([]);
  });

  it('that a process left which died during the removal: gone after the next start', async () => {
    await add();
    await ticket();
    await exchange();
    expect(await service.app.get(AccountEditorService).remove(OTHER, 1_000_000)).toBe(true);
    await stop(service);
    service = await start();
    await exchange();
    expect(await rows('wtc_credential')).toEqual([]);
    expect(await rows('wtc_ticket_demand')).toEqual([]);
  });
});

describe('what was done with an account', () => {
  async function trail(): Promise<unknown[]> {
    const { body } = await service.call<{ items: Record<string, unknown>[] }>(
      'GET',
      `/v1/admin/audit?app_id=${OTHER}`,
      { key: ADMIN_KEY },
    );
    return body.items
      .filter(({ action }) => String(action).startsWith('account.'))
      .map((item) => [item.action, item.outcome, item.version_before, item.version_after])
      .reverse();
  }

  it('stands in the audit with the versions that it found and left', async () => {
    const { accessToken } = await wechat.mintAsForeigner(OTHER, 'legacy');
    await add({ mode: 'legacy', access_token: accessToken, expires_in: 7_000 });
    await pass(6);
    await alter({ name: 'named' });
    await pass(1);
    await alter({ mode: 'stable' });
    await service.tick();
    await pass(1);
    await alter({ name: null });
    await pass(1);
    await remove();
    await pass(1);
    await remove();
    expect(await trail()).toEqual([
      ['account.create', 'ok', null, 1],
      ['account.update', 'ok', 1, 1],
      ['account.update', 'ok', 1, 1],
      ['account.update', 'ok', 2, 2],
      ['account.delete', 'ok', 2, null],
      ['account.delete', 'refused:account_not_found', null, null],
    ]);
  });

  it('its refreshes can be read after its removal, by a restarted service too', async () => {
    const refreshes = (): Promise<Answer<{ items: { outcome: string }[] } & ProblemBody>> =>
      service.call('GET', `${ACCOUNTS}/${OTHER}/refreshes`, { key: ADMIN_KEY });
    expect((await refreshes()).body.code).toBe('account_not_found');
    await add();
    await read(service, '?wait=5');
    await remove();
    expect((await refreshes()).body.items).toMatchObject([{ outcome: 'committed' }]);
    await stop(service);
    service = await start();
    expect((await refreshes()).body.items).toMatchObject([{ outcome: 'committed' }]);
    const client = await service.call('GET', `${ACCOUNTS}/${OTHER}/refreshes`, { key: CLIENT_KEY });
    expect(client.status).toBe(403);
  });
});

describe('the account of the environment', () => {
  it('that an admin altered is not altered back by a restart', async () => {
    await alter({ mode: 'legacy', name: 'named' }, APP_ID);
    await stop(service);
    service = await start();
    expect((await show(APP_ID)).body).toMatchObject({ mode: 'legacy', name: 'named' });
  });

  it('keeps the secret that an admin gave it through a change of the encryption key', async () => {
    await wechat.alterAccount(APP_ID, { secret: NEW_SECRET });
    expect((await alter({ app_secret: NEW_SECRET }, APP_ID)).status).toBe(200);
    await stop(service);
    const next = randomBytes(32).toString('base64');
    const both = { ENCRYPTION_KEY: next, ENCRYPTION_PREVIOUS_KEYS: ENCRYPTION_KEY };
    await stop(await start(both));
    service = await start({ ENCRYPTION_KEY: next });
    expect(service.events('account_changed_by_environment')).toEqual([]);
    const path = `${ACCOUNTS}/${APP_ID}/access-token/refresh`;
    expect((await service.call('POST', path, { key: ADMIN_KEY })).status).toBe(200);
  });

  it('that an admin removed stays removed, until the environment brings another secret', async () => {
    expect((await remove(APP_ID)).status).toBe(204);
    await stop(service);
    service = await start();
    expect((await show(APP_ID)).status).toBe(404);
    expect(service.events('account_stays_removed')).toHaveLength(1);
    await stop(service);
    await wechat.alterAccount(APP_ID, { secret: NEW_SECRET });
    service = await start({ WECHAT_APP_SECRET: NEW_SECRET });
    expect((await service.read('?wait=5')).status).toBe(200);
  });
});

describe('the list', () => {
  const ids = Array.from({ length: 7 }, (_, index) => `wx000000000000000${index}`);

  function list(query = ''): Promise<Answer<{ items: State[]; next_cursor: string | null }>> {
    return service.call('GET', `${ACCOUNTS}${query}`, { key: ADMIN_KEY });
  }

  beforeEach(async () => {
    for (const [index, appId] of [...ids.entries()].reverse()) {
      await add({ app_id: appId, enabled: false, mode: index % 2 === 0 ? 'stable' : 'legacy' });
    }
  });

  it('is ordered by AppID and read by pages', async () => {
    const pages: string[][] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await list(`?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      pages.push(body.items.map(({ app_id: appId }) => appId));
      cursor = body.next_cursor;
    }
    expect(pages).toEqual([ids.slice(0, 3), ids.slice(3, 6), [...ids.slice(6), APP_ID]]);
    expect((await list()).body).toMatchObject({ next_cursor: null });
  });

  it('is filtered by mode, switch and state', async () => {
    const appIds = async (query: string): Promise<string[]> =>
      (await list(query)).body.items.map(({ app_id: appId }) => appId);
    expect(await appIds('?enabled=true')).toEqual([APP_ID]);
    expect(await appIds('?enabled=false&mode=legacy')).toEqual([ids[1], ids[3], ids[5]]);
    expect(await appIds('?state=live')).toEqual([APP_ID]);
    expect(await appIds('?state=blocked')).toEqual([]);
  });
});
