import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { FaultyProxy } from '../chaos/proxy.js';
import {
  createDatabase,
  databaseKind,
  openDatabase,
  type TestDatabase,
} from './support/database.js';
import { eventually } from './support/eventually.js';
import { FETCH_PATH } from './support/pair.js';
import { killProcesses, startProcess, type ServiceProcess } from './support/process.js';
import { APP_ID, APP_SECRET, environmentFor } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/** How the database goes away, and the way back. */
interface Obstacle {
  readonly name: string;
  strike(): Promise<() => Promise<void>>;
}

/** Long enough for statements to be given up and for silent connections to break: they take 5 and 6 s. */
const AWAY_MS = 12_000;
const LONG_AWAY_MS = 60_000;
/** A steady load, which leaves this machine's cores to the service. */
const READ_EVERY_MS = 20;

let database: TestDatabase;
let wechat: Simulator;
let proxy: FaultyProxy | undefined;
let url: string;

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  url = database.url;
  if (databaseKind !== 'sqlite') {
    const target = new URL(database.url);
    proxy = await FaultyProxy.start({
      target: { host: target.hostname, port: Number(target.port) },
      dropsWhenAbandoned: false,
      delayMs: 0,
    });
    target.port = String(proxy.port);
    url = target.href;
  }
});

afterEach(async () => {
  await killProcesses();
  await proxy?.close();
  await wechat.close();
  await database.remove();
});

const OBSTACLES: Obstacle[] =
  databaseKind === 'sqlite'
    ? [{ name: 'is locked by another process', strike: lockFile }]
    : [
        { name: 'refuses connections', strike: () => strike('refuse') },
        { name: 'freezes', strike: () => strike('freeze') },
      ];

function strike(fault: 'refuse' | 'freeze'): Promise<() => Promise<void>> {
  if (proxy === undefined) {
    throw new Error('there is a proxy before every database server');
  }
  return Promise.resolve(proxy.strike(fault));
}

async function lockFile(): Promise<() => Promise<void>> {
  const other = await openDatabase(database);
  await other.query('BEGIN EXCLUSIVE');
  return async () => {
    await other.query('ROLLBACK');
    await other.destroy();
  };
}

function start(mode: 'legacy' | 'stable' = 'stable'): ServiceProcess {
  return startProcess(environmentFor(wechat, { DATABASE_URL: url, WECHAT_TOKEN_MODE: mode }));
}

/** Reads all the time for so long. @returns the statuses that came */
async function readFor(service: ServiceProcess, ms: number): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (const end = performance.now() + ms; performance.now() < end;) {
    statuses.add((await service.read('?wait=0')).status);
    await delay(READ_EVERY_MS);
  }
  return statuses;
}

describe.each(OBSTACLES)('a database that $name', (obstacle) => {
  it('fails no read of a live token, and is used again as soon as it is back', async () => {
    const service = await start().ready();
    const { body: before } = await service.read();
    const comeBack = await obstacle.strike();
    expect(await readFor(service, AWAY_MS)).toEqual(new Set([200]));
    expect((await service.call('GET', '/healthz')).status).toBe(200);
    expect((await service.call('GET', '/readyz')).status).toBe(200);
    await comeBack();

    await wechat.killToken(before.access_token);
    const reported = await eventually(async () => {
      const answer = await service.report({ access_token: before.access_token });
      expect(answer.status).toBe(200);
      return answer.body;
    });
    expect(reported.outcome).toBe('refreshed');
    expect(reported.access_token).not.toBe(before.access_token);
  }, 60_000);
});

if (databaseKind !== 'sqlite') {
  it('a start while the database is down: listens, unready, says why, and goes on when it is up', async () => {
    const comeBack = await strike('refuse');
    const service = await start().listening();
    const ready = await service.call<{ reasons: string[] }>('GET', '/readyz');
    expect(ready.status).toBe(503);
    expect(ready.body.reasons.join()).toContain('ECONNREFUSED');
    const read = await service.read();
    expect(read.status).toBe(503);
    expect(read.body.code).toBe('database_unavailable');
    await comeBack();
    await service.ready();
    expect((await service.read()).status).toBe(200);
  }, 60_000);
}

// Once is enough for what lasts so long.
if (databaseKind === 'postgres') {
  it('away for 60 s, in which a legacy token falls due: three replicas serve it, and then one fetches', async () => {
    // Due after 57 to 60 s, and over after 90.
    await wechat.changeSettings({ lifetimeSeconds: 90 });
    const replicas = [start('legacy'), start('legacy'), start('legacy')];
    await Promise.all(replicas.map((replica) => replica.ready()));
    const before = await wechat.newestToken(APP_ID);
    const comeBack = await strike('freeze');
    const reads = await Promise.all(replicas.map((replica) => readFor(replica, LONG_AWAY_MS)));
    expect(reads).toEqual(replicas.map(() => new Set([200])));
    expect(await wechat.countCalls({ path: FETCH_PATH.legacy })).toBe(1);
    await comeBack();

    await eventually(async () => {
      const newest = await wechat.newestToken(APP_ID);
      expect(newest?.accessToken).not.toBe(before?.accessToken);
      for (const replica of replicas) {
        const { status, body } = await replica.read('?wait=0');
        expect([status, body.access_token]).toEqual([200, newest?.accessToken]);
      }
    }, 20_000);
    expect(await wechat.countCalls({ path: FETCH_PATH.legacy })).toBe(2);
  }, 150_000);
}
