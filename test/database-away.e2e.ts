import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { FaultyProxy } from './chaos/proxy.js';
import { createDatabase, databaseKind, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
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
  const path = database.url.replace('sqlite:', '');
  const other = new DataSource({ type: 'sqlite', database: path, busyTimeout: 5_000 });
  await other.initialize();
  await other.query('BEGIN EXCLUSIVE');
  return async () => {
    await other.query('ROLLBACK');
    await other.destroy();
  };
}

function start(): ServiceProcess {
  return startProcess(environmentFor(wechat, { DATABASE_URL: url }));
}

/** Reads without a pause for so long. @returns the statuses that came */
async function readFor(service: ServiceProcess, ms: number): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (const end = performance.now() + ms; performance.now() < end;) {
    statuses.add((await service.read('?wait=0')).status);
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
