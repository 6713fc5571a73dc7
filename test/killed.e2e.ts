import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Gate, type HeldBytes } from '../chaos/gate.js';
import { FaultyProxy } from '../chaos/proxy.js';
import {
  createDatabase,
  databaseKind,
  openDatabase,
  type TestDatabase,
} from './support/database.js';
import { eventually } from './support/eventually.js';
import { killProcesses, startProcess, type ServiceProcess } from './support/process.js';
import { APP_ID, APP_SECRET, environmentFor } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * kill -9 at each numbered step of the protocol (docs/architecture.md). A replica's bytes to the database
 * and to WeChat pass a gate that holds exactly that step back; while it is held, the process is killed.
 * Then another replica, and the one that is started in its place, must serve WeChat's newest token within
 * a minute, and whoever could be served before is served all the time.
 */

/** What is served in the end: what was served before, what the killed process fetched, or another one. */
type Served = 'the old token' | 'its token' | 'another token';

interface Step {
  readonly name: string;
  readonly served: Served;
  /** Has the process begin, and returns when it stands at the step. */
  readonly reach: (begin: () => void) => Promise<void>;
}

const WITHIN_MS = 60_000;
/** For how long a dead token may be handed out. */
const DEAD_MS = 5_000;
/** The lease, and the floor, quiet time and overlap of a token with this life, are a few seconds. */
const TIMES = { timeoutMs: '450', lifetimeSeconds: 240, floorMs: 1_000 };

const FETCH = /^GET \/cgi-bin\/token/;
const INSERT_ACCOUNT = /INSERT INTO .wtc_account./;
const CLAIM = /UPDATE .wtc_credential. SET .*calls_today/s;
const OPEN_HISTORY = /INSERT INTO .wtc_refresh_history./;
const COMMIT = /UPDATE .wtc_credential. SET .*obtained_at. = .?claimed_at/s;
const CLOSE_HISTORY = /UPDATE .wtc_refresh_history. SET .outcome. = (?!CASE)/;

let database: TestDatabase;
let source: DataSource;
let wechat: Simulator;
let proxies: FaultyProxy[];
let toDatabase: Gate;
let toWechat: Gate;
let callEnded: Promise<void>;
/** Where the process that is to be killed finds the database and WeChat. */
let environment: { DATABASE_URL: string; WECHAT_API_BASE_URL: string };

beforeEach(async () => {
  const { lifetimeSeconds } = TIMES;
  database = await createDatabase();
  source = await openDatabase(database);
  wechat = await startSimulator({
    accounts: [{ appId: APP_ID, secret: APP_SECRET }],
    lifetimeSeconds,
  });
  proxies = [];
  toDatabase = new Gate();
  toWechat = new Gate();
  let tell: () => void = () => undefined;
  callEnded = new Promise((resolve) => {
    tell = resolve;
  });
  environment = {
    DATABASE_URL:
      databaseKind === 'sqlite' ? database.url : await through(database.url, toDatabase),
    WECHAT_API_BASE_URL: new URL(await through(wechat.url, toWechat, tell)).origin,
  };
});

afterEach(async () => {
  await killProcesses();
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await wechat.close();
  await source.destroy();
  await database.remove();
});

/** @returns the address of a proxy before `address` */
async function through(
  address: string,
  gate: Gate,
  onCall = (): void => undefined,
): Promise<string> {
  const url = new URL(address);
  const target = { host: url.hostname, port: Number(url.port) };
  const proxy = await FaultyProxy.start({
    ...{ target, gate, onCall },
    dropsWhenAbandoned: true,
    delayMs: 0,
  });
  proxies.push(proxy);
  url.port = String(proxy.port);
  return url.href;
}

function start(changes: Partial<typeof environment> = {}): ServiceProcess {
  return startProcess(
    environmentFor(wechat, {
      DATABASE_URL: database.url,
      WECHAT_TOKEN_MODE: 'legacy',
      WECHAT_TIMEOUT_MS: TIMES.timeoutMs,
      ...changes,
    }),
  );
}

/** A step at which bytes of the process are held back. */
function held(
  gate: () => Gate,
  [name, served, what, request]: readonly [string, Served, HeldBytes['what'], RegExp],
): Step {
  const reach: Step['reach'] = async (begin) => {
    const arrived = gate().hold({ what, request });
    begin();
    await arrived;
  };
  return { name, served, reach };
}

const AT_WECHAT = [
  ['claimed, and the request has not reached WeChat', 'another token', 'request', FETCH],
  ['WeChat has minted, and the answer is not read', 'another token', 'answer', FETCH],
] as const;

const AT_SERVER = [
  ['the claim has not reached the database', 'the old token', 'request', CLAIM],
  ['claimed, and not acknowledged', 'another token', 'answer', CLAIM],
  ['claimed, and not written into the history', 'another token', 'request', OPEN_HISTORY],
  ['the answer is read, and the commit has not reached it', 'another token', 'request', COMMIT],
  ['committed, and not acknowledged', 'its token', 'answer', COMMIT],
  ['committed, and the history is not closed', 'its token', 'request', CLOSE_HISTORY],
] as const;

/** Before a file there is no proxy: what can be seen of it is the row, and what can be held is its lock. */
const ON_FILE: readonly Step[] = [
  {
    name: 'the answer is read, and the commit waits for the file',
    served: 'another token',
    reach: async (begin) => {
      const arrived = toWechat.hold({ what: 'answer', request: FETCH });
      begin();
      await arrived;
      await source.query('BEGIN IMMEDIATE');
      toWechat.release();
      // It closes the connection when it has the answer.
      await callEnded;
    },
  },
  {
    name: 'committed',
    served: 'its token',
    reach: async (begin) => {
      const before = await stored('version');
      begin();
      await eventually(async () => {
        expect(await stored('version')).toBeGreaterThan(before);
      });
    },
  },
];

const STEPS: readonly Step[] = [
  ...AT_WECHAT.map((step) => held(() => toWechat, step)),
  ...(databaseKind === 'sqlite' ? ON_FILE : AT_SERVER.map((step) => held(() => toDatabase, step))),
];

/** 0 while there is none; at the first start the table may not be there yet. */
async function stored(column: 'version' | 'fetch_ended_at'): Promise<number> {
  const sql = `SELECT ${column} AS found FROM wtc_credential`;
  const rows = await source.query<{ found: number | string }[]>(sql).catch(() => []);
  return Number(rows[0]?.found ?? 0);
}

/** So that the next claim is won at once; the database's clock is this machine's. */
async function untilFloorHasPassed(): Promise<void> {
  const endsAt = (await stored('fetch_ended_at')) + TIMES.floorMs;
  await eventually(() => {
    expect(Date.now()).toBeGreaterThan(endsAt);
  });
}

async function minted(): Promise<string[]> {
  return (await wechat.tokens(APP_ID)).map(({ accessToken }) => accessToken);
}

/** SQLite: what the test held back by its lock is dropped with the process that waited for it. */
async function unlock(): Promise<void> {
  await source.query('ROLLBACK').catch(() => undefined);
}

async function expectSettled(replicas: readonly ServiceProcess[]): Promise<string> {
  const newest = await wechat.newestToken(APP_ID);
  expect(newest).toMatchObject({ alive: true });
  for (const replica of replicas) {
    const { status, body } = await replica.read('?wait=0');
    expect([status, body.access_token]).toEqual([200, newest?.accessToken]);
  }
  const rows = await source.query<Record<string, unknown>[]>(
    'SELECT owner, suspect_at, dead_at FROM wtc_credential',
  );
  expect(rows).toEqual([{ owner: null, suspect_at: null, dead_at: null }]);
  const open = 'SELECT fence FROM wtc_refresh_history WHERE outcome IS NULL';
  const last = 'SELECT MAX(fence) FROM wtc_refresh_history';
  expect(await source.query(`${open} AND fence < (${last})`)).toEqual([]);
  return newest?.accessToken ?? '';
}

/** Reads all the time, and notes what a client would complain about. */
class Reader {
  readonly complaints: string[] = [];
  private readonly deadSince = new Map<string, number>();

  constructor(private readonly replica: ServiceProcess) {}

  async read(): Promise<void> {
    // While the settling fetch is under way the old token may die at any moment: then a read waits for it.
    const { status, body } = await this.replica.read('?wait=2');
    if (status !== 200) {
      this.complaints.push(`${status} ${body.code}`);
      return;
    }
    const alive = await wechat.tokens(APP_ID, { alive: true });
    if (alive.some(({ accessToken }) => accessToken === body.access_token)) {
      return;
    }
    const now = performance.now();
    const since = this.deadSince.get(body.access_token) ?? now;
    this.deadSince.set(body.access_token, since);
    if (now - since > DEAD_MS) {
      this.complaints.push(`version ${body.version} is dead since ${now - since} ms`);
    }
  }
}

describe.each(STEPS)('killed where $name', ({ reach, served }) => {
  it('in a rotation: nobody goes without a live token, and all is settled within a minute', async () => {
    const victim = start(environment);
    const survivor = start();
    await Promise.all([victim.ready(), survivor.ready()]);
    await untilFloorHasPassed();
    const before = await minted();
    let refresh: Promise<unknown> = Promise.resolve();
    await reach(() => {
      refresh = victim.adminRefresh().catch((error: unknown) => error);
    });
    await victim.stop('SIGKILL');
    await refresh;
    await unlock();
    const fetched = await minted();
    const successor = start();
    const reader = new Reader(survivor);
    const token = await eventually(async () => {
      await reader.read();
      await expectSettled([survivor]);
      await successor.listening();
      return expectSettled([survivor, successor]);
    }, WITHIN_MS);
    expect(reader.complaints).toEqual([]);
    const origin = before.includes(token)
      ? 'the old token'
      : fetched.includes(token)
        ? 'its token'
        : 'another token';
    expect(origin).toBe(served);
  }, 90_000);
});

/** The others differ from a rotation in nothing but that no token is there yet. */
const FIRST_STEPS: readonly Step[] = [
  ...(databaseKind === 'sqlite'
    ? []
    : [
        held(
          () => toDatabase,
          [
            'the account is stored, and not acknowledged',
            'another token',
            'answer',
            INSERT_ACCOUNT,
          ],
        ),
      ]),
  ...STEPS.filter(({ name }) => /^(WeChat has minted|committed)/.test(name)),
];

describe.each(FIRST_STEPS)('killed at its first start, where $name', ({ reach }) => {
  it('its account is there, with a live token on every replica within a minute', async () => {
    let victim: ServiceProcess | undefined;
    await reach(() => {
      victim = start(environment);
    });
    await victim?.stop('SIGKILL');
    await unlock();
    const replicas = [start(), start()];
    await eventually(async () => {
      await Promise.all(replicas.map((replica) => replica.listening()));
      await expectSettled(replicas);
    }, WITHIN_MS);
  }, 90_000);
});
