import { admin } from '../admin.js';
import { atMostSpread, numberText, ratioText } from '../format.js';
import { FreezableService } from '../freezable-service.js';
import { latencies, type Latency } from '../latency.js';
import type { PinnedProcess } from '../pinned-process.js';
import type { Each } from '../rounds.js';
import type { Figure, Scenario } from '../scenario.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { ceilingOf } from '../throughput.js';
import { APP_ID, APP_SECRET, readOf, readPath, type World } from '../world.js';

const MOST = 1.2;
const FROZEN_SECONDS = 30;
/** Each is refreshed every ten seconds: an admin may do so ten times a minute. */
const REFRESHED = 10;

type Compared = Each<'quiet' | 'disturbed', Latency[]>;

/**
 * One service, asked in turn, half a second each, while nothing happens and while a token is exchanged. An
 * admin orders the refreshes, so that there are none in the quiet turns; that costs more than one by the
 * schedule, since the order is a request and is written to the audit trail.
 */
export const refreshes: Scenario = {
  name: 'refreshes',
  about: 'p99 of reads at half of the ceiling while one refresh a second runs, against quiet',
  run: async (world, options) => {
    const { service, appIds } = await refreshable(world);
    const question = { ...readOf(service), paths: appIds.map(readPath) };
    const pace = { ...options, perSecond: (await ceilingOf(question, options)) / 2 };
    let orders = 0;
    const order = (): Promise<unknown> => {
      orders += 1;
      return refresh(service, appIds[orders % appIds.length] ?? '');
    };
    const before = await versions(service);
    const startedAt = performance.now();
    const results = await latencies({ quiet: question, disturbed: question }, pace, {
      disturbed: order,
    });
    const seconds = (performance.now() - startedAt) / 1_000;
    const exchanged = (await versions(service)) - before;
    return [
      ...compare('p99 during refreshes against quiet', results),
      { name: 'tokens exchanged a second', value: (exchanged / seconds).toFixed(1) },
    ];
  },
};

/** Two services share the core, each with its own database. Each in turn has its database frozen, so neither is the quiet one for good. */
export const frozen: Scenario = {
  name: 'frozen',
  about: `p99 of reads at half of the ceiling while PostgreSQL is frozen for ${FROZEN_SECONDS} s, against another service, whose database answers`,
  run: async (world, options) => {
    const wechat = await world.wechat();
    const first = await FreezableService.start(world, wechat);
    const second = await FreezableService.start(world, wechat);
    const ceiling = await ceilingOf(readOf(first.process), options);
    await ceilingOf(readOf(second.process), options);
    const pace = { ...options, rounds: 1, seconds: FROZEN_SECONDS / 2, perSecond: ceiling / 2 };
    const results: Compared = { quiet: [], disturbed: [] };
    for (let round = 0; round < options.rounds; round += 1) {
      const [cold, other] = round % 2 === 0 ? [first, second] : [second, first];
      const questions = { quiet: readOf(other.process), disturbed: readOf(cold.process) };
      const measured = await cold.whileFrozen(() => latencies(questions, pace));
      results.quiet.push(...measured.quiet);
      results.disturbed.push(...measured.disturbed);
    }
    return compare('p99 with the database frozen against quiet', results);
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

async function versions(service: PinnedProcess): Promise<number> {
  const { items } = await admin(service, 'GET', '/accounts');
  const accounts = items as { access_token: { version: number } }[];
  return accounts.reduce((sum, { access_token: { version } }) => sum + version, 0);
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
