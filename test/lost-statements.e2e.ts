import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { DatabaseError } from '../src/database/database-error.js';
import { Clock } from '../src/time/clock.js';
import { CredentialRepository } from '../src/wechat/credentials/credential.repository.js';
import { CredentialStore } from '../src/wechat/credentials/credential-store.js';
import type { Credential } from '../src/wechat/credentials/credential.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { FETCH_PATH, Pair, PROBE_PATH, type Mode } from './support/pair.js';
import { APP_ID, startService, type Service } from './support/service.js';

/*
 * What follows when single statements are lost or late, values are held in memory, and replicas do not
 * know the same. Each is a sequence that once went wrong.
 */

let database: TestDatabase;
let pair: Pair;
let others: Service[];

beforeEach(async () => {
  database = await createDatabase();
  others = [];
});

afterEach(async () => {
  await Promise.all(others.map((other) => other.close()));
  await pair.close();
  await database.remove();
});

async function start(mode: Mode): Promise<void> {
  pair = await Pair.start({ mode, environment: { DATABASE_URL: database.url } });
}

async function another(mode: Mode): Promise<Service> {
  const environment = { DATABASE_URL: database.url, WECHAT_TOKEN_MODE: mode };
  const service = await startService(pair.wechat, environment);
  others.push(service);
  service.advance(pair.service.app.get(Clock).offsetMs);
  await service.ready();
  return service;
}

function slot(): Credential {
  const found = pair.service.app.get(CredentialStore).find(APP_ID, 'access_token');
  if (found === undefined) {
    throw new Error('the credential is not loaded');
  }
  return found;
}

const leave = (): Promise<void> => pair.service.app.get(DataSource).destroy();
const comeBack = async (): Promise<void> => {
  await pair.service.app.get(DataSource).initialize();
};

/** The next statement that looks like this fails, as with a connection that breaks. */
function loseNext(pattern: RegExp): void {
  const source = pair.service.app.get(DataSource);
  const createQueryRunner = source.createQueryRunner.bind(source);
  let isLost = false;
  source.createQueryRunner = (mode) => {
    const runner = createQueryRunner(mode);
    const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<unknown>;
    return Object.assign(runner, {
      query: (sql: string, ...rest: unknown[]) => {
        if (!isLost && pattern.test(sql)) {
          isLost = true;
          return Promise.reject(new DatabaseError('ECONNRESET', 'lost by the test'));
        }
        return query(sql, ...rest);
      },
    });
  };
}

describe('a token that is held in memory', () => {
  beforeEach(async () => {
    await start('legacy');
    await pair.pass(60);
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'delay', delayMs: 300 });
    const refreshed = pair.service.adminRefresh();
    await pair.wechat.untilCalls({ path: FETCH_PATH.legacy, outcome: 'in_flight' });
    await leave();
    expect((await refreshed).body).toMatchObject({ version: 2 });
    await pair.wechat.advance(60_000);
    pair.service.advance(60_000);
    await comeBack();
  });

  it('is stored by a tick that comes before the poll, and not fetched over', async () => {
    await pair.service.tick();
    expect((await pair.service.read()).body.version).toBe(2);
    expect(await pair.fetchCount()).toBe(2);
  });

  it('stays live when another replica has claimed, until that one brings its own', async () => {
    const repository = pair.service.app.get(CredentialRepository);
    const row = (await repository.load(slot().row.id))!;
    const claimed = await pair.service.app.get(CredentialRepository).claim(row, {
      owner: 'another replica',
      fence: row.fence + 1,
      leaseMs: 45_000,
      floorMs: 0,
      ledger: { intervalMs: 1, capacityMs: 1_000, roomMs: undefined },
      forced: false,
      forcedAt: '',
      configVersion: row.configVersion,
      callsDay: 1,
    });
    expect(claimed).toBe(true);
    await pair.service.poll();
    expect((await pair.service.read('?wait=0')).body.version).toBe(2);
    // The other one is never heard of again: its lease ends, and one settling fetch follows.
    await pair.later(60);
    const { body } = await pair.service.read();
    expect(body.version).toBeGreaterThan(2);
    expect(await pair.accepts(body.access_token)).toBe(true);
  });
});

it('a death that the database did not take is told again, and a refresh follows', async () => {
  await start('legacy');
  await pair.pass(60);
  const token = await pair.token();
  await pair.wechat.killToken(token);
  loseNext(/^UPDATE .*dead_at/s);
  await pair.service.report({ access_token: token }, '?wait=0');
  await pair.pass(10);
  await pair.later(10);
  const { status, body } = await pair.service.read('?wait=0');
  expect(status).toBe(200);
  expect(await pair.accepts(body.access_token)).toBe(true);
});

it('a claim whose history cannot be written is given back, and nothing is fetched', async () => {
  await start('stable');
  await pair.pass(60);
  const token = await pair.token();
  loseNext(/^INSERT .*refresh_history/s);
  const refused = await pair.service.adminRefresh({ force: true });
  expect(refused.status).toBe(503);
  expect(slot().row.owner).toBeNull();
  expect(slot().row.deadAt).toBeNull();
  expect(await pair.fetchCount()).toBe(1);
  expect(await pair.token()).toBe(token);
});

it('a reading that was overtaken by a commit is not taken for a restored database', async () => {
  await start('legacy');
  await pair.pass(60);
  const repository = pair.service.app.get(CredentialRepository);
  const load = repository.load.bind(repository);
  let goOn: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  repository.load = async (id) => {
    const row = await load(id);
    await gate;
    return row;
  };
  const slow = pair.service.app.get(CredentialStore).reload(slot());
  repository.load = load;
  await pair.service.adminRefresh();
  goOn();
  await slow;
  expect(pair.service.events('row_behind_memory')).toEqual([]);
  expect((await pair.service.read()).body.version).toBe(2);
});

it('replicas that know another mode do not fetch against each other', async () => {
  await start('legacy');
  await pair.pass(60);
  const other = await another('stable');
  const since = await pair.wechat.lastSeq();
  for (let round = 0; round < 20; round += 1) {
    await pair.wechat.advance(3_000);
    other.advance(3_000);
    pair.service.advance(3_000);
    await Promise.all([pair.service.poll(), other.poll()]);
    await Promise.all([pair.service.tick(), other.tick()]);
  }
  expect(await pair.wechat.countCalls({ path: FETCH_PATH.stable })).toBe(1);
  expect(await pair.wechat.countCalls({ path: FETCH_PATH.legacy, since })).toBe(0);
});

it('a blocked account does not keep a restarted process unready', async () => {
  await start('stable');
  await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'errcode', errcode: 40125, times: 9 });
  await pair.wechat.killToken(await pair.token());
  await pair.service.report({ version: 1 }, '?wait=5');
  const other = await another('stable');
  expect((await other.read('?wait=0')).status).toBe(503);
  expect((await other.call('GET', '/readyz')).status).toBe(200);
});

it('a ledger that a clock ahead of its time has written does not stop refreshes', async () => {
  await start('legacy');
  const day = 86_400_000;
  const source = pair.service.app.get(DataSource);
  await source.query(
    `UPDATE wtc_credential SET ledger_full_at = ledger_full_at + ${day}, revision = revision + 1`,
  );
  await pair.pass(1);
  await pair.later(4_801);
  expect(await pair.fetchCount()).toBe(2);
});

it('the floor counts from the end of a fetch, however slow the statements before it were', async () => {
  await start('legacy');
  await pair.pass(60);
  await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'delay', delayMs: 700 });
  const refresh = pair.service.adminRefresh();
  await pair.wechat.untilCalls({ path: FETCH_PATH.legacy, outcome: 'in_flight' });
  pair.service.advance(4_900);
  expect((await refresh).status).toBe(200);
  const early = await pair.service.adminRefresh(undefined, '?wait=0');
  expect(early.status).toBe(503);
  expect(await pair.fetchCount()).toBe(2);
});

it('nobody may keep a token for longer than the last reading of its row is trusted', async () => {
  await start('legacy');
  await leave();
  await pair.wechat.advance(265_000);
  pair.service.advance(265_000);
  const { body } = await pair.service.read();
  expect(body.cache_for).toBeLessThanOrEqual(5);
  await comeBack();
});

it('the state says what readers get while the row is not read: stale, and served only while a probe confirms it', async () => {
  await start('legacy');
  await leave();
  await pair.wechat.advance(271_000);
  pair.service.advance(271_000);
  const read = await pair.service.read('?wait=0');
  expect(read.status).toBe(503);
  expect(await pair.service.state()).toMatchObject({ state: 'stale', expires_in: null });
  await pair.service.poll();
  await eventually(async () => {
    expect((await pair.service.read('?wait=0')).status).toBe(200);
  });
  const { state, expires_in: expiresIn } = await pair.service.state();
  expect(state).toBe('stale');
  expect(expiresIn).toBeGreaterThan(6_000);
  await comeBack();
  await pair.service.poll();
  expect(await pair.service.state()).toMatchObject({ state: 'live' });
});

it('an acceptance by WeChat is not carried over to the next version', async () => {
  await start('legacy');
  await pair.pass(60);
  await pair.service.report({ version: 1 });
  await pair.service.adminRefresh();
  expect(slot().view.confirmedUntilMs).toBe(0);
});

it('an answer without a token is never held, with or without a database', async () => {
  await start('stable');
  await leave();
  await pair.wechat.fault({
    path: FETCH_PATH.stable,
    kind: 'status',
    status: 200,
    body: '{"access_token":"","expires_in":7200}',
    contentType: 'application/json',
    times: 'always',
  });
  await pair.later(7_150);
  const { status, body } = await pair.service.read('?wait=0');
  expect(status === 503 || body.access_token !== '').toBe(true);
  expect(await pair.wechat.countCalls({ path: PROBE_PATH })).toBe(0);
  await comeBack();
});
