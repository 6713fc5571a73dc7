import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import type { Environment } from '../src/config/environment.js';
import { eventually } from './support/eventually.js';
import { freePort, killProcesses, startProcess, type ServiceProcess } from './support/process.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  ENCRYPTION_KEY,
  environmentFor,
} from './support/service.js';
import {
  startSimulator,
  type Simulator,
  type SimulatorOptions,
  type TokenFamily,
} from './support/simulator.js';

/*
 * The service as a process of its own: how it starts, what it survives, how it ends. Time passes as it
 * does, so lifetimes are short where a floor or a lease must pass: with 240 s, a legacy token's are a
 * fifth of their length.
 */

const TOKEN_PATH = { legacy: '/cgi-bin/token', stable: '/cgi-bin/stable_token' } as const;

let folder: string;
let wechat: Simulator;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wtc-process-'));
  wechat = await simulator();
});
afterEach(async () => {
  await killProcesses();
  await wechat.close();
  rmSync(folder, { recursive: true, force: true });
});

function simulator(options: SimulatorOptions = {}): Promise<Simulator> {
  return startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }], ...options });
}

/** One account, and a database that a second process finds again. */
function environment(changes: Environment = {}): Environment {
  return environmentFor(wechat, { DATABASE_URL: `sqlite:${databaseFile()}`, ...changes });
}

function databaseFile(): string {
  return join(folder, 'test.sqlite');
}

function fetches(family: TokenFamily = 'stable', since = 0): Promise<number> {
  return wechat.countCalls({ path: TOKEN_PATH[family], since });
}

async function newestToken(family: TokenFamily = 'stable'): Promise<string | undefined> {
  return (await wechat.newestToken(APP_ID, family))?.accessToken;
}

/** The process has begun to handle what was sent before: it takes requests in the order in which they come. */
async function hasArrived(service: ServiceProcess): Promise<void> {
  await service.call('GET', '/healthz');
  await service.call('GET', '/healthz');
}

const wellEnded = expect.objectContaining({ code: 0, signal: null });

describe('the configuration', () => {
  it('where it is wrong: exit 1, every problem by the name of its variable, no value', async () => {
    const { code, output } = await startProcess(
      {
        PORT: 'canary-port',
        DATABASE_URL: 'canary:database',
        WECHAT_APP_ID: 'gh_canary123456',
        WECHAT_TOKEN_MODE: 'canary-mode',
        WECHAT_API_BASE_URL: 'http://canary.example',
        WECHAT_TIMEOUT_MS: '99canary',
        CLIENT_API_KEY: 'canary-short',
        ENCRYPTION_KEY: 'canary-encryption-key',
        TRUSTED_PROXIES: 'canary-proxy',
        TLS_CERT_FILE: '/nowhere/canary.pem',
        LOG_LEVEL: 'canary-level',
      },
      { cwd: folder },
    ).exited;
    expect(code).toBe(1);
    const named = [...output.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => name);
    expect([...new Set(named)].sort()).toEqual([
      'ADMIN_API_KEY',
      'CLIENT_API_KEY',
      'DATABASE_URL',
      'ENCRYPTION_KEY',
      'LOG_LEVEL',
      'PORT',
      'TLS_CERT_FILE',
      'TLS_KEY_FILE',
      'TRUSTED_PROXIES',
      'WECHAT_API_BASE_URL',
      'WECHAT_APP_ID',
      'WECHAT_APP_SECRET',
      'WECHAT_TIMEOUT_MS',
      'WECHAT_TOKEN_MODE',
    ]);
    expect(output).not.toContain('canary');
    expect(output).not.toMatch(/^\s+at /m);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('comes from .env and secret files too, relative to any working directory', async () => {
    const secrets = {
      WECHAT_APP_SECRET: APP_SECRET,
      ADMIN_API_KEY: ADMIN_KEY,
      CLIENT_API_KEY: CLIENT_KEY,
      ENCRYPTION_KEY,
    };
    for (const [name, value] of Object.entries(secrets)) {
      writeFileSync(join(folder, name), `${value}\n`);
    }
    writeFileSync(
      join(folder, '.env'),
      [
        'PORT=not-this-one',
        'DATABASE_URL=sqlite:./data/tokens.sqlite',
        `WECHAT_APP_ID=${APP_ID}`,
        `WECHAT_API_BASE_URL=${wechat.url}`,
        ...Object.keys(secrets).map((name) => `${name}_FILE=${name}`),
      ].join('\n'),
    );
    const service = await startProcess({ PORT: '0' }, { cwd: folder }).ready();
    expect(new URL(service.url).port).toMatch(/^[1-9]\d{2,4}$/);
    const { status, body } = await service.read();
    expect(status).toBe(200);
    expect(body.access_token).toBe(await newestToken());
    expect(existsSync(join(folder, 'data', 'tokens.sqlite'))).toBe(true);
    expect(await service.stop()).toEqual(wellEnded);
  });
});

it('warns of a variable whose name was mistyped, and says what it started with', async () => {
  const service = await startProcess(environment({ WECHAT_APPID: 'canary-value' })).listening();
  expect(service.events('unknown_variable')).toEqual([
    expect.objectContaining({
      level: 'warn',
      variable: 'WECHAT_APPID',
      msg: 'WECHAT_APPID: is not a variable of this service and is ignored. Did you mean WECHAT_APP_ID?',
    }),
  ]);
  expect(service.output).not.toContain('canary-value');
  expect(service.events('listening')).toEqual([
    expect.objectContaining({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      database: 'sqlite',
      accounts: 1,
      msg: expect.stringMatching(
        /^WeChat Token Center [\d.]+ listening on http:\S+ \(sqlite, 1 account\)$/,
      ),
    }),
  ]);
  expect(await service.stop('SIGINT')).toEqual(wellEnded);
});

describe('a port that is taken', () => {
  it('is told in one line and ends the process with 1, before anything is asked of WeChat', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, output } = await startProcess(environment({ PORT: String(port) })).exited;
    other.close();
    expect(code).toBe(1);
    const lines = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string });
    expect(lines.filter(({ level }) => level !== 'info')).toEqual([
      expect.objectContaining({
        level: 'fatal',
        msg: `cannot listen on 127.0.0.1:${port}: another process listens there. Stop it, or choose another PORT (EADDRINUSE)`,
      }),
    ]);
    expect(await wechat.countCalls()).toBe(0);
  });
});

describe('the encryption key', () => {
  const NEXT_KEY = randomBytes(32).toString('base64');

  async function storeAToken(): Promise<string> {
    const service = await startProcess(environment()).ready();
    const { body } = await service.read();
    expect(await service.stop()).toEqual(wellEnded);
    return body.access_token;
  }

  it('where it does not open the database: exit 1, the ids of both keys, neither key', async () => {
    await storeAToken();
    const calls = await wechat.countCalls();
    const { code, output } = await startProcess(environment({ ENCRYPTION_KEY: NEXT_KEY })).exited;
    expect(code).toBe(1);
    expect(output).toMatch(
      /it is sealed with the key [0-9a-f]{16}, configured are [0-9a-f]{16}\. Put the right key into ENCRYPTION_KEY, or the old one into ENCRYPTION_PREVIOUS_KEYS\./,
    );
    expect(output).not.toContain(NEXT_KEY);
    expect(output).not.toContain(ENCRYPTION_KEY);
    // One line that says what to do; where in the code it was found helps nobody.
    expect(output.match(/ENCRYPTION_KEY does not open/g)).toHaveLength(1);
    expect(output).not.toMatch(/\bat .*\.js:/);
    expect(await wechat.countCalls()).toBe(calls);
  });

  it('changes without a gap: the old one stays among the previous keys until the rows are rewritten', async () => {
    const token = await storeAToken();
    const keys = { ENCRYPTION_KEY: NEXT_KEY, ENCRYPTION_PREVIOUS_KEYS: ENCRYPTION_KEY };
    const both = await startProcess(environment(keys)).ready();
    const during = await both.read();
    expect([during.status, during.body.access_token]).toEqual([200, token]);
    expect(await both.stop()).toEqual(wellEnded);

    const alone = await startProcess(environment({ ENCRYPTION_KEY: NEXT_KEY })).ready();
    const after = await alone.read();
    expect([after.status, after.body.access_token]).toEqual([200, token]);
    expect(await fetches()).toBe(1);
  });
});

describe('a restart', () => {
  it('with a live stored token makes no upstream call and serves the same token', async () => {
    const first = await startProcess(environment()).ready();
    const before = await first.read();
    expect(await first.stop('SIGINT')).toEqual(wellEnded);
    const since = await wechat.lastSeq();
    const second = await startProcess(environment()).ready();
    const after = await second.read();
    expect(after.status).toBe(200);
    expect(after.body.access_token).toBe(before.body.access_token);
    expect(after.body.version).toBe(before.body.version);
    expect(after.body.expires_at).toBe(before.body.expires_at);
    expect(await second.stop()).toEqual(wellEnded);
    expect(await wechat.countCalls({ since })).toBe(0);
  });

  it('of three processes at once on an empty database makes one upstream call', async () => {
    const services = await Promise.all([1, 2, 3].map(() => startProcess(environment()).ready()));
    const answers = await Promise.all(services.map((service) => service.read('?wait=15')));
    const token = await newestToken();
    expect(answers.map(({ status, body }) => [status, body.access_token])).toEqual([
      [200, token],
      [200, token],
      [200, token],
    ]);
    expect(await fetches()).toBe(1);
  });
});

describe('a signal to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: ends with 0 after the read in flight and the refresh under way, whose token is stored',
    async (signal) => {
      await wechat.fault({ path: TOKEN_PATH.stable, kind: 'delay', delayMs: 1_500 });
      const service = await startProcess(environment({ WECHAT_TIMEOUT_MS: '8000' })).listening();
      await wechat.untilCalls({ path: TOKEN_PATH.stable, outcome: 'in_flight' });
      const read = service.read('?wait=30');
      await hasArrived(service);

      const ended = service.stop(signal);
      await service.untilLogged('stopping');
      const readiness = await service.call<{ reasons: string[] }>('GET', '/readyz');
      expect(readiness.status).toBe(503);
      expect(readiness.body.reasons).toEqual(['process: is shutting down']);

      const [{ status, body }, exit] = await Promise.all([read, ended]);
      const token = await newestToken();
      expect(exit).toEqual(wellEnded);
      expect([status, body.access_token]).toEqual([200, token]);

      const since = await wechat.lastSeq();
      const next = await startProcess(environment()).ready();
      expect((await next.read()).body.access_token).toBe(token);
      expect(await next.stop()).toEqual(wellEnded);
      expect(await wechat.countCalls({ since })).toBe(0);
    },
  );
});

describe('kill -9 between WeChat’s answer and the commit', () => {
  /** So the lease lasts 2.7 s, nine times as long. */
  const SHORT_LEASE = { WECHAT_TIMEOUT_MS: '300' };
  const SHORT_LIVES = { lifetimeSeconds: 240, stableWindowSeconds: 10 };

  it.each([
    { family: 'legacy', what: 'a refresh', body: {}, minted: 3 },
    { family: 'stable', what: 'a forced refresh', body: { force: true }, minted: 2 },
  ] as const)(
    '$family, at $what: a read at every moment, none of a token long dead, and the newest once the lease is over',
    async ({ family, body, minted }) => {
      await wechat.changeSettings(SHORT_LIVES);
      const env = environment({ WECHAT_TOKEN_MODE: family, ...SHORT_LEASE });
      const first = await startProcess(env).ready();
      const before = (await first.read()).body;
      const since = await wechat.lastSeq();
      await wechat.fault({ path: TOKEN_PATH[family], kind: 'hang', afterEffect: true });
      const refresh = first.adminRefresh(body).catch(() => 'cut off');
      await wechat.untilCalls({ path: TOKEN_PATH[family], minted: true, since });
      expect(await first.stop('SIGKILL')).toMatchObject({ code: null, signal: 'SIGKILL' });
      expect(await refresh).toBe('cut off');

      const second = await startProcess(env).ready();
      let longestDeadMs = -Infinity;
      await eventually(async () => {
        const { body: after } = await second.read();
        const readAtMs = Date.now();
        const tokens = await wechat.tokens(APP_ID);
        const served = tokens.find(({ accessToken }) => accessToken === after.access_token);
        const deadMs = served === undefined ? Infinity : readAtMs - Date.parse(served.diesAt);
        longestDeadMs = Math.max(longestDeadMs, deadMs);
        expect(after.access_token).toBe(await newestToken(family));
        expect(after.version).toBeGreaterThan(before.version);
      });
      // The settling refresh ends the token that is served meanwhile: until it is stored, a moment later (docs/reliability.md: 5 s).
      expect(longestDeadMs).toBeLessThan(5_000);
      expect(await wechat.tokens(APP_ID)).toHaveLength(minted);
      expect(await second.stop()).toEqual(wellEnded);
    },
  );

  it('stable, at the first fetch: the account is not lost, and the token is the one that was minted', async () => {
    await wechat.fault({ path: TOKEN_PATH.stable, kind: 'hang', afterEffect: true });
    const first = await startProcess(environment(SHORT_LEASE)).listening();
    await wechat.untilCalls({ path: TOKEN_PATH.stable, minted: true });
    expect(await first.stop('SIGKILL')).toMatchObject({ code: null, signal: 'SIGKILL' });

    const second = await startProcess(environment(SHORT_LEASE)).ready();
    const { status, body } = await second.read('?wait=10');
    expect(status).toBe(200);
    expect(await wechat.tokens(APP_ID)).toMatchObject([{ accessToken: body.access_token }]);
    expect(await second.stop()).toEqual(wellEnded);
  });
});

describe('WeChat', () => {
  it('down at start: up and ready all the same, the reads told why; the token comes by itself', async () => {
    const port = await freePort();
    const env = environment({ WECHAT_API_BASE_URL: `http://127.0.0.1:${port}` });
    const service = await startProcess(env).ready();
    const { status, headers, body } = await service.read('?wait=0');
    expect(status).toBe(503);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(body).toMatchObject({
      code: 'token_unavailable',
      upstream: {
        errcode: null,
        errmsg: `127.0.0.1:${port}: ECONNREFUSED`,
        advice: expect.stringContaining('Check that this machine can resolve and reach the hosts'),
      },
    });

    const late = await simulator({ port });
    const token = await eventually(async () => {
      const answer = await service.read();
      expect(answer.status).toBe(200);
      return answer.body.access_token;
    });
    expect((await late.newestToken(APP_ID, 'stable'))?.accessToken).toBe(token);
    expect(await service.stop()).toEqual(wellEnded);
    await late.close();
  });

  it('refuses the AppSecret: up and ready, errcode and advice; the right one is tried at once', async () => {
    const wrong = environment({ WECHAT_APP_SECRET: 'canary-wrong-secret' });
    const service = await startProcess(wrong).ready();
    const { status, headers, body } = await service.read();
    expect(status).toBe(503);
    expect(body).toMatchObject({
      code: 'token_unavailable',
      upstream: {
        errcode: 40125,
        errmsg: expect.stringMatching(/^invalid appsecret/),
        advice: expect.stringMatching(/^Copy the AppSecret of this AppID from the WeChat console/),
      },
    });
    // Five minutes, since only a person can mend it.
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(240);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(300);
    expect((await service.call('GET', '/healthz')).status).toBe(200);
    expect(await service.stop()).toEqual(wellEnded);

    const mended = await startProcess(environment()).ready();
    const after = await mended.read('?wait=10');
    expect([after.status, after.body.access_token]).toEqual([200, await newestToken()]);
  });
});

describe('the database', () => {
  async function expectUnavailable(service: ServiceProcess): Promise<void> {
    const readiness = await service.call<{ reasons: string[] }>('GET', '/readyz');
    expect(readiness.status).toBe(503);
    expect((await service.call('GET', '/healthz')).status).toBe(200);
    const admin = await service.call('GET', '/v1/admin/accounts', { key: ADMIN_KEY });
    for (const { status, headers, body } of [await service.read(), admin]) {
      expect([status, body.code]).toEqual([503, 'database_unavailable']);
      expect(headers.get('retry-after')).toBe('1');
    }
  }

  async function inDatabase(task: (database: DataSource) => Promise<void>): Promise<void> {
    const options = { type: 'sqlite', database: databaseFile() } as const;
    const database = await new DataSource(options).initialize();
    try {
      await task(database);
    } finally {
      await database.destroy();
    }
  }

  async function storedVersion(database: DataSource): Promise<unknown> {
    const rows = await database.query<{ version: number }[]>('SELECT version FROM wtc_credential');
    return rows[0]?.version;
  }

  it('in a folder that cannot be made: up, unready, told why; goes on once the obstacle is gone', async () => {
    const obstacle = join(folder, 'data');
    writeFileSync(obstacle, 'a file where a folder should be');
    const url = `sqlite:${join(obstacle, 'test.sqlite')}`;
    const service = await startProcess(environment({ DATABASE_URL: url })).listening();
    await service.untilLogged('database_unavailable');
    const { body } = await service.call<{ reasons: string[] }>('GET', '/readyz');
    expect(body.reasons).toEqual([
      'clients: not loaded from the database yet',
      expect.stringMatching(
        /the folder of DATABASE_URL is missing or not writable \((ENOTDIR|EEXIST)\); create it/,
      ),
    ]);
    await expectUnavailable(service);
    expect(await wechat.countCalls()).toBe(0);

    rmSync(obstacle);
    const after = await eventually(async () => {
      const answer = await service.read();
      expect(answer.status).toBe(200);
      return answer;
    });
    expect(after.body.access_token).toBe(await newestToken());
    expect((await service.call('GET', '/readyz')).status).toBe(200);
    expect(await service.stop()).toEqual(wellEnded);
  });

  it('on a disk that takes no byte: up, unready, told why; what is stored is not lost', async () => {
    const before = await startProcess(environment()).ready();
    const { version } = (await before.read()).body;
    await before.stop();

    const stuck = await startProcess(environment(), { fileLimitBytes: 0 }).listening();
    await stuck.untilLogged('database_unavailable');
    await expectUnavailable(stuck);
    // Nothing is under way, so nothing is waited for.
    const exit = await stuck.stop();
    expect(exit).toEqual(wellEnded);
    expect(exit.output).not.toContain('shutdown timed out');
    await inDatabase(async (database) => {
      expect(await storedVersion(database)).toBe(version);
    });
  });

  it('on a disk that is full at the first start: told that it is the disk; goes on once there is room', async () => {
    const full = await startProcess(environment(), { fileLimitBytes: 40 * 1_024 }).listening();
    await full.untilLogged('database_unavailable');
    const readiness = await full.call<{ reasons: string[] }>('GET', '/readyz');
    expect(readiness.body.reasons).toEqual([
      'clients: not loaded from the database yet',
      expect.stringMatching(/the disk of the database .*\((SQLITE_IOERR|SQLITE_FULL)\); /),
    ]);
    await expectUnavailable(full);
    await full.stop('SIGKILL');

    const roomy = await startProcess(environment()).ready();
    const { status, body } = await roomy.read('?wait=10');
    expect([status, body.access_token]).toEqual([200, await newestToken()]);
  });

  it('on a disk that is full when a token comes: served from memory, stored once there is room', async () => {
    await wechat.changeSettings({ lifetimeSeconds: 240 });
    const env = environment({ WECHAT_TOKEN_MODE: 'legacy', WECHAT_TIMEOUT_MS: '8000' });
    const limit = 512 * 1_024;
    const service = await startProcess(env, { fileLimitBytes: limit }).ready();
    const first = (await service.read()).body;
    await inDatabase(async (database) => {
      await wechat.fault({ path: TOKEN_PATH.legacy, kind: 'delay', delayMs: 1_000 });
      const since = await wechat.lastSeq();
      const refresh = service.adminRefresh();
      await wechat.untilCalls({ path: TOKEN_PATH.legacy, since });
      // What the process writes goes to the end of the write-ahead log, which lies past its limit now.
      await database.query('CREATE TABLE filler (bytes BLOB)');
      await database.query(`INSERT INTO filler VALUES (zeroblob(${2 * limit}))`);

      expect(await refresh).toMatchObject({ status: 200, body: { rotated: true } });
      const second = (await service.read()).body;
      expect(second.access_token).toBe(await newestToken('legacy'));
      expect(second.version).toBeGreaterThan(first.version);
      expect(service.events('credential_not_stored').length).toBeGreaterThan(0);
      expect(await storedVersion(database)).toBe(first.version);

      // The log begins anew, below the limit.
      await database.query('PRAGMA wal_checkpoint(TRUNCATE)');
      await eventually(async () => {
        expect(await storedVersion(database)).toBe(second.version);
      });
      await service.stop('SIGKILL');
      const next = await startProcess(env).ready();
      expect((await next.read()).body.access_token).toBe(second.access_token);
      expect(await fetches('legacy')).toBe(2);
    });
  });
});
