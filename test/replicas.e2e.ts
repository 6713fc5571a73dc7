import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { FETCH_PATH, PROBE_PATH, type Mode } from './support/pair.js';
import { killProcesses, startProcess, type ServiceProcess } from './support/process.js';
import { APP_ID, APP_SECRET, environmentFor } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * Real processes, `node dist/main.js`, on one database. SQLite is among them: its file may be shared by
 * processes of one machine, as during a restart.
 */

let database: TestDatabase;
let wechat: Simulator;

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
});

afterEach(async () => {
  await killProcesses();
  await wechat.close();
  await database.remove();
});

function start(mode: Mode): ServiceProcess {
  const environment = {
    DATABASE_URL: database.url,
    WECHAT_TOKEN_MODE: mode,
    // As it is by default: many processes share this machine, and a probe that times out tells nothing.
    WECHAT_TIMEOUT_MS: '5000',
  };
  return startProcess(environmentFor(wechat, environment));
}

async function startReplicas(count: number, mode: Mode): Promise<ServiceProcess[]> {
  const replicas = Array.from({ length: count }, () => start(mode));
  await Promise.all(replicas.map((replica) => replica.ready()));
  return replicas;
}

async function tokens(replicas: ServiceProcess[]): Promise<Set<string>> {
  const answers = await Promise.all(replicas.map((replica) => replica.read()));
  return new Set(answers.map(({ body }) => body.access_token));
}

it('ten processes that start at once on an empty database migrate once and fetch once', async () => {
  const replicas = await startReplicas(10, 'legacy');
  expect((await tokens(replicas)).size).toBe(1);
  expect(await wechat.countCalls({ path: FETCH_PATH.legacy })).toBe(1);
  for (const replica of replicas) {
    expect(replica.events('database_unavailable')).toEqual([]);
  }
}, 120_000);

describe.each<Mode>(['legacy', 'stable'])('three replicas of a %s account', (mode) => {
  it('300 reports of a dead token, spread over them: one fetch, one token', async () => {
    const replicas = await startReplicas(3, mode);
    const [token] = await tokens(replicas);
    // The floor since the first fetch has to pass, on the database's own clock.
    await eventually(async () => {
      const { status } = await replicas[0]!.adminRefresh();
      expect(status).toBe(200);
    });
    await eventually(async () => {
      expect((await tokens(replicas)).size).toBe(1);
    });
    const [current] = await tokens(replicas);
    const before = await wechat.countCalls({ path: FETCH_PATH[mode] });
    await wechat.killToken(current ?? token ?? '');
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        replicas[index % 3]!.report({ access_token: current, errcode: 40001 }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(1);
    expect(answers[0]!.body.access_token).not.toBe(current);
    expect(await wechat.countCalls({ path: FETCH_PATH[mode] })).toBe(before + 1);
    expect(await wechat.countCalls({ path: PROBE_PATH })).toBeLessThanOrEqual(3);
  }, 60_000);
});

it('a rolling restart under load fails no read and fetches nothing', async () => {
  const replicas = await startReplicas(3, 'stable');
  let isOver = false;
  const failures: unknown[] = [];
  let reads = 0;
  const reader = async (): Promise<void> => {
    while (!isOver) {
      // As a load balancer does: whoever is ready, and not one that said that it stops.
      const replica = replicas[reads % 3]!;
      reads += 1;
      const answer = await replica.read().catch((error: unknown) => error);
      const status = answer instanceof Object && 'status' in answer ? answer.status : answer;
      if (status !== 200) {
        failures.push(status);
      }
    }
  };
  const load = Promise.all(Array.from({ length: 4 }, reader));
  for (const [index, old] of [...replicas].entries()) {
    replicas[index] = await start('stable').ready();
    const { code } = await old.stop();
    expect(code).toBe(0);
  }
  isOver = true;
  await load;
  expect(failures).toEqual([]);
  expect(reads).toBeGreaterThan(100);
  expect(await wechat.countCalls({ path: FETCH_PATH.stable })).toBe(1);
}, 90_000);

it('told to stop during a refresh: the token is committed before the end, and the others adopt it', async () => {
  const [first, second] = (await startReplicas(2, 'legacy')) as [ServiceProcess, ServiceProcess];
  await wechat.fault({ path: FETCH_PATH.legacy, kind: 'delay', delayMs: 700, times: 'always' });
  const refresh = first.adminRefresh().catch((error: unknown) => error);
  await wechat.untilCalls({ path: FETCH_PATH.legacy, outcome: 'in_flight' }, 1, 15_000);
  const { code } = await first.stop();
  expect(code).toBe(0);
  await refresh;
  await eventually(async () => {
    const { body } = await second.read();
    const newest = await wechat.newestToken(APP_ID, 'legacy');
    expect(body.access_token).toBe(newest?.accessToken);
    expect(body.version).toBeGreaterThan(1);
  });
  expect(await wechat.countCalls({ path: FETCH_PATH.legacy })).toBe(2);
}, 60_000);
