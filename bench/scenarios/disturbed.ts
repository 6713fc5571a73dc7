import { FaultyProxy } from '../../test/chaos/proxy.js';
import { admin } from '../admin.js';
import { atMostSpread, numberText, ratioText } from '../format.js';
import { closedLoop, type Question } from '../load.js';
import type { Options } from '../options.js';
import { PostgresDatabase } from '../postgres.js';
import type { PinnedProcess } from '../pinned-process.js';
import type { Figure, Scenario } from '../scenario.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { openLoop, type Latency } from '../steady-load.js';
import { APP_ID, APP_SECRET, readOf, readPath, untilDatabaseUp, type World } from '../world.js';

const MOST = 1.2;
const FROZEN_SECONDS = 30;
/** Half a minute each, so the rounds are few. */
const FROZEN_ROUNDS = 2;
/** Each is refreshed every ten seconds: an admin may do so ten times a minute. */
const REFRESHED = 10;
const REFRESH_EVERY_MS = 1_000;

interface Compared {
  readonly quiet: Latency[];
  readonly disturbed: Latency[];
}

/**
 * One service, asked in turn while nothing happens and while a token is exchanged every second. An admin
 * orders the refreshes, so that there are none in the quiet rounds; that costs more than one by the
 * schedule, since the order is a request and is written to the audit trail.
 */
export const refreshes: Scenario = {
  name: 'refreshes',
  about: 'p99 of reads at half of the ceiling while one refresh a second runs, against quiet',
  run: async (world, options) => {
    const { service, appIds } = await refreshable(world);
    const question = { ...readOf(service), paths: appIds.map(readPath) };
    const pace = { ...options, perSecond: (await ceiling(question, options)) / 2 };
    const results: Compared = { quiet: [], disturbed: [] };
    const before = await versions(service);
    let number = 0;
    for (let round = 0; round < options.rounds; round += 1) {
      results.quiet.push(await openLoop(question, pace));
      const end = everySecond(() => refresh(service, appIds[(number += 1) % appIds.length] ?? ''));
      results.disturbed.push(await openLoop(question, pace));
      await end();
    }
    const exchanged = (await versions(service)) - before;
    const seconds = options.rounds * options.seconds;
    return [
      ...compare('p99 during refreshes against quiet', results),
      { name: 'tokens exchanged a second meanwhile', value: (exchanged / seconds).toFixed(1) },
    ];
  },
};

/** Reads while the database takes bytes and answers nothing. */
export const frozen: Scenario = {
  name: 'frozen',
  about: `p99 of reads at half of the ceiling while PostgreSQL is frozen for ${FROZEN_SECONDS} s, against quiet; ${FROZEN_ROUNDS} rounds at most`,
  run: async (world, options) => {
    const database = await PostgresDatabase.create();
    const proxy = await FaultyProxy.start({
      target: database.address,
      dropsWhenAbandoned: false,
      delayMs: 0,
    });
    try {
      const service = await world.service(await world.wechat(), {
        database: database.url(proxy.port),
      });
      const question = readOf(service);
      const pace = { ...options, perSecond: (await ceiling(question, options)) / 2 };
      const results: Compared = { quiet: [], disturbed: [] };
      for (let round = 0; round < Math.min(options.rounds, FROZEN_ROUNDS); round += 1) {
        results.quiet.push(await openLoop(question, pace));
        const thaw = proxy.strike('freeze');
        results.disturbed.push(await openLoop(question, { ...pace, seconds: FROZEN_SECONDS }));
        await thaw();
        await untilDatabaseUp(service);
      }
      await service.stop();
      return compare('p99 with the database frozen against quiet', results);
    } finally {
      await proxy.close();
      await database.drop();
    }
  },
};

async function refreshable(world: World): Promise<{ service: PinnedProcess; appIds: string[] }> {
  const others = Array.from({ length: REFRESHED - 1 }, (_, index) => index + 1);
  const appIds = [APP_ID, ...others.map((number) => `wx${String(number).padStart(16, '0')}`)];
  const wechat = await world.wechat({
    SIMULATOR_ACCOUNTS: appIds.map((appId) => `${appId}:${APP_SECRET}`).join(','),
  });
  const service = await world.service(wechat, { env: { WECHAT_TOKEN_MODE: 'legacy' } });
  for (const appId of appIds.slice(1)) {
    const account = { app_id: appId, app_secret: APP_SECRET, mode: 'legacy' };
    await admin(service, 'POST', '/accounts', account);
  }
  return { service, appIds };
}

function refresh(service: PinnedProcess, appId: string): Promise<unknown> {
  return admin(service, 'POST', `/accounts/${appId}/access-token/refresh`, {});
}

/** @returns how to end it; throws what went wrong */
function everySecond(work: () => Promise<unknown>): () => Promise<void> {
  const under: Promise<unknown>[] = [];
  const timer = setInterval(() => under.push(work()), REFRESH_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await Promise.all(under);
  };
}

async function versions(service: PinnedProcess): Promise<number> {
  const { items } = await admin(service, 'GET', '/accounts');
  const accounts = items as { access_token: { version: number } }[];
  return accounts.reduce((sum, { access_token: { version } }) => sum + version, 0);
}

async function ceiling(question: Question, options: Options): Promise<number> {
  await closedLoop(question, { ...options, seconds: 2 });
  const { perSecond } = await closedLoop(question, options);
  return perSecond;
}

function compare(name: string, { quiet, disturbed }: Compared): Figure[] {
  const ratio = ratioOf(p99s(disturbed), p99s(quiet));
  const pace = spreadOf(quiet.map(({ perSecond }) => perSecond));
  return [
    { name, value: ratioText(ratio), wanted: atMostSpread(ratio, MOST) },
    { name: 'p99, quiet', value: numberText(spreadOf(p99s(quiet)), 'ms', 2) },
    { name: 'p99, disturbed', value: numberText(spreadOf(p99s(disturbed)), 'ms', 2) },
    { name: 'reads a second, quiet', value: numberText(pace, '/s') },
  ];
}

function p99s(rounds: readonly Latency[]): number[] {
  return rounds.map(({ p99Ms }) => p99Ms);
}
