import { FaultyProxy } from '../../test/chaos/proxy.js';
import { admin } from '../admin.js';
import { atMostSpread, numberText, ratioText } from '../format.js';
import { latencies } from '../interleave.js';
import { closedLoop, openLoop, type Latency } from '../load.js';
import type { Options } from '../options.js';
import { PostgresDatabase } from '../postgres.js';
import type { PinnedProcess } from '../pinned-process.js';
import type { Figure, Scenario } from '../scenario.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { APP_ID, readOf, type World } from '../world.js';

const MOST = 1.2;
const FROZEN_SECONDS = 30;
/** Long enough for a read to be worth something, and so short that four accounts fetch once a second. */
const SHORT_LIFE_SECONDS = 6;
const SHORT_LIVED = 4;

/** Reads at half of the ceiling while refreshes run, against the same on a service that has none to do. */
export const refreshes: Scenario = {
  name: 'refreshes',
  about: 'p99 of reads at half of the ceiling while about one refresh a second runs, against quiet',
  run: async (world, options) => {
    const quiet = await world.service(await world.wechat());
    const busy = await refreshing(world);
    const before = await fetches(busy);
    const startedAt = performance.now();
    const perSecond = (await ceiling(quiet, options)) / 2;
    const questions = { busy: readOf(busy), quiet: readOf(quiet) };
    const open = await latencies(questions, { ...options, perSecond });
    const seconds = (performance.now() - startedAt) / 1_000;
    const each = ((await fetches(busy)) - before) / seconds;
    return [
      ...compare('p99 during refreshes against quiet', open.busy, open.quiet),
      { name: 'refreshes a second meanwhile', value: each.toFixed(1) },
    ];
  },
};

/** Reads while the database takes bytes and answers nothing. */
export const frozen: Scenario = {
  name: 'frozen',
  about: `p99 of reads at half of the ceiling while PostgreSQL is frozen for ${FROZEN_SECONDS} s, against quiet`,
  run: async (world, options) => {
    const database = await PostgresDatabase.create();
    const proxy = await FaultyProxy.start({
      target: database.address,
      dropsWhenAbandoned: false,
      delayMs: 0,
    });
    try {
      const url = database.url(proxy.port);
      const service = await world.service(await world.wechat(), { database: url });
      const perSecond = (await ceiling(service, options)) / 2;
      const results: { quiet: Latency[]; frozen: Latency[] } = { quiet: [], frozen: [] };
      for (let round = 0; round < options.rounds; round += 1) {
        const seconds = FROZEN_SECONDS;
        results.quiet.push(await openLoop(readOf(service), { ...options, seconds, perSecond }));
        const thaw = proxy.strike('freeze');
        results.frozen.push(await openLoop(readOf(service), { ...options, seconds, perSecond }));
        await thaw();
      }
      await service.stop();
      return compare('p99 with the database frozen against quiet', results.frozen, results.quiet);
    } finally {
      await proxy.close();
      await database.drop();
    }
  },
};

async function refreshing(world: World): Promise<PinnedProcess> {
  const others = Array.from({ length: SHORT_LIVED - 1 }, (_, index) => index + 1);
  const secret = 'bench-app-secret-0123456789abcdef';
  const appIds = [APP_ID, ...others.map((number) => `wx${String(number).padStart(16, '0')}`)];
  const wechat = await world.wechat({
    SIMULATOR_ACCOUNTS: appIds.map((appId) => `${appId}:${secret}`).join(','),
    SIMULATOR_LIFETIME_SECONDS: String(SHORT_LIFE_SECONDS),
    SIMULATOR_OVERLAP_SECONDS: '2',
  });
  const service = await world.service(wechat, { env: { WECHAT_TOKEN_MODE: 'legacy' } });
  for (const appId of appIds.slice(1)) {
    await admin(service, 'POST', '/accounts', {
      app_id: appId,
      app_secret: secret,
      mode: 'legacy',
    });
  }
  return service;
}

/** Versions are the fences of claims, of which each refresh has one. */
async function fetches(service: PinnedProcess): Promise<number> {
  const { items } = await admin(service, 'GET', '/accounts');
  const accounts = items as { access_token: { version: number } }[];
  return accounts.reduce((sum, { access_token: { version } }) => sum + version, 0);
}

async function ceiling(service: PinnedProcess, options: Options): Promise<number> {
  await closedLoop(readOf(service), { ...options, seconds: 2 });
  const { perSecond } = await closedLoop(readOf(service), options);
  return perSecond;
}

function compare(name: string, disturbed: Latency[], quiet: Latency[]): Figure[] {
  const p99 = (rounds: Latency[]): number[] => rounds.map(({ p99Ms }) => p99Ms);
  const ratio = ratioOf(p99(disturbed), p99(quiet));
  return [
    { name, value: ratioText(ratio), wanted: atMostSpread(ratio, MOST) },
    { name: 'p99, quiet', value: numberText(spreadOf(p99(quiet)), 'ms', 2) },
    { name: 'p99, disturbed', value: numberText(spreadOf(p99(disturbed)), 'ms', 2) },
  ];
}
