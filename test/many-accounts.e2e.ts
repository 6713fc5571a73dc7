import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { AccountEntity } from '../src/wechat/accounts/account.entity.js';
import { AccountSealer } from '../src/wechat/accounts/account-sealer.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { FETCH_PATH } from './support/pair.js';
import { ADMIN_KEY, startService, type Answer, type Service } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * A thousand accounts on one service (docs/configuration.md, How many accounts): all tokens are live within
 * a minute of the start, no second has more than 40 first fetches, and a second without work costs little.
 * The seconds are turned by hand, the work of each is real and measured.
 */

const COUNT = 1_000;
const LONGEST_SECONDS = 60;
const MOST_A_SECOND = 40;
const ROWS_AT_ONCE = 200;
const IDLE_SECONDS = 100;
const BUSIEST_IDLE = 0.05;
const ALONE = { WECHAT_APP_ID: undefined, WECHAT_APP_SECRET: undefined };

const appIds = Array.from(
  { length: COUNT },
  (_, index) => `wx${index.toString(16).padStart(16, '0')}`,
);
const secretOf = (appId: string): string => `canary-secret-of-${appId}`;

let database: TestDatabase;
let wechat: Simulator;
let service: Service;

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator({
    accounts: appIds.map((appId) => ({ appId, secret: secretOf(appId) })),
  });
  const first = await start();
  await addAccounts(first);
  await first.close();
});

afterEach(async () => {
  await service.close();
  await wechat.close();
  await database.remove();
});

async function start(): Promise<Service> {
  // As it is by default: the load of other tests must not look like a WeChat that does not answer.
  const changes = { ...ALONE, DATABASE_URL: database.url, WECHAT_TIMEOUT_MS: '5000' };
  service = await startService(wechat, changes);
  return service;
}

/** As they stand in a database before a start. */
async function addAccounts(into: Service): Promise<void> {
  await into.ready();
  const sealer = into.app.get(AccountSealer);
  const rows = appIds.map((appId) => ({
    appId,
    name: null,
    mode: 'stable' as const,
    secret: sealer.seal(appId, secretOf(appId)),
    configVersion: 1,
    enabled: 1,
    environmentSecret: null,
    environmentMode: null,
    jssdkHosts: null,
    createdAt: Date.now(),
    revision: 1,
    updatedAt: Date.now(),
    removedAt: null,
    fenceBase: 0,
  }));
  const repository = into.app.get(DataSource).getRepository(AccountEntity);
  // SQLite takes no statement of a thousand rows.
  for (let from = 0; from < COUNT; from += ROWS_AT_ONCE) {
    await repository.insert(rows.slice(from, from + ROWS_AT_ONCE));
  }
}

/** Of this process, which is the service, its database and WeChat: what else the machine does has no part in it. */
function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

interface Second {
  readonly fetches: number;
  readonly workMs: number;
}

/** One second after the other, each as soon as the work of the one before is done. */
async function passUntilFetched(): Promise<Second[]> {
  const seconds: Second[] = [];
  let fetched = await wechat.countCalls({ path: FETCH_PATH.stable });
  while (fetched < COUNT && seconds.length < LONGEST_SECONDS) {
    await wechat.advance(1_000);
    service.advance(1_000);
    const before = process.cpuUsage();
    await service.tick();
    const workMs = cpuMsSince(before);
    const earlier = fetched;
    fetched = await wechat.countCalls({ path: FETCH_PATH.stable });
    seconds.push({ fetches: fetched - earlier, workMs });
  }
  return seconds;
}

async function countLive(): Promise<number> {
  let count = 0;
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: Answer<{ items: unknown[]; next_cursor: string | null }> = await service.call(
      'GET',
      `/v1/admin/accounts?state=live&limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`,
      { key: ADMIN_KEY },
    );
    count += page.body.items.length;
    cursor = page.body.next_cursor;
  }
  return count;
}

it('1,000 accounts: all live within 60 s of the start, 40 fetches a second at most, idle under 5 % of a core', async () => {
  const started = process.cpuUsage();
  await start();
  service.stopCron();
  await service.ready();
  const first = {
    fetches: await wechat.countCalls({ path: FETCH_PATH.stable }),
    workMs: cpuMsSince(started),
  };
  const seconds = [first, ...(await passUntilFetched())];
  expect(await countLive()).toBe(COUNT);
  // A second whose work takes less lasts a second all the same.
  const allLiveMs = seconds.reduce((sum, { workMs }) => sum + Math.max(1_000, workMs), 0);
  expect(allLiveMs).toBeLessThan(LONGEST_SECONDS * 1_000);
  expect(Math.max(...seconds.map(({ fetches }) => fetches))).toBeLessThanOrEqual(MOST_A_SECOND);

  for (let from = 0; from < COUNT; from += ROWS_AT_ONCE) {
    const some = appIds.slice(from, from + ROWS_AT_ONCE);
    const answers = await Promise.all(some.map((appId) => service.read('?wait=0', appId)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  }
  expect((await service.call('GET', '/readyz')).status).toBe(200);
  expect(await wechat.countCalls({ path: FETCH_PATH.stable })).toBe(COUNT);

  const before = process.cpuUsage();
  for (let second = 0; second < IDLE_SECONDS; second += 1) {
    await service.tick();
    await service.poll();
  }
  const idleShare = cpuMsSince(before) / 1_000 / IDLE_SECONDS;
  expect(idleShare).toBeLessThan(BUSIEST_IDLE);
  process.stderr.write(
    `1,000 accounts: all live after ${seconds.length} s, by the work of each ${Math.round(allLiveMs)} ms; ${(idleShare * 100).toFixed(2)} % of a core idle\n`,
  );
  expect(service.logged).not.toContain('canary-secret');
}, 120_000);
