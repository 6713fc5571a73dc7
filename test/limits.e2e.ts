import { afterEach, describe, expect, it } from '@jest/globals';
import { ClientDirectory, NO_GATEWAY_RULES, type Client } from '../src/access/client-directory.js';
import { hashKey } from '../src/access/presented-key.js';
import { SCOPES } from '../src/access/scope.js';
import { Pair } from './support/pair.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  startService,
  type Answer,
  type ProblemBody,
  type TokenBody,
} from './support/service.js';
import { startSimulator } from './support/simulator.js';

const READ = `/v1/accounts/${APP_ID}/access-token`;
const ADMIN = `/v1/admin/accounts/${APP_ID}`;
const BEHIND_A_PROXY = { TRUSTED_PROXIES: '127.0.0.0/8, 10.0.0.0/8, 2001:db8:ffff::/48' };
const MINUTE_MS = 60_000;

let pair: Pair;
afterEach(async () => {
  await pair.close();
});

type AnyAnswer = Answer<TokenBody & ProblemBody>;

function read(key: string, forwardedFor?: string): Promise<AnyAnswer> {
  return pair.service.call('GET', READ, {
    key,
    ...(forwardedFor !== undefined && { headers: { 'x-forwarded-for': forwardedFor } }),
  });
}

/** Each with another key, as somebody who tries them out sends. */
async function fail(times: number, forwardedFor?: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let attempt = 0; attempt < times; attempt += 1) {
    const { status } = await read(`wrong-key-${attempt}-of-this-test`, forwardedFor);
    statuses.push(status);
  }
  return statuses;
}

/** WeChat's ending, by which every answer differs. */
function withoutRid(answer: { errcode?: number }): object {
  return JSON.parse(JSON.stringify(answer).replace(/ rid: [\w-]+/, '')) as object;
}

function retryAfter({ headers }: AnyAnswer): number {
  return Number(headers.get('retry-after'));
}

describe('keys that are no good', () => {
  it('are answered 20 times a minute, then 429 until the minute is over', async () => {
    pair = await Pair.start();
    expect(new Set(await fail(20))).toEqual(new Set([401]));
    const limited = await read('wrong-key-of-this-test');
    expect(limited.status).toBe(429);
    expect(limited.body).toMatchObject({ code: 'rate_limited', title: 'Too many requests' });
    expect(retryAfter(limited)).toBeGreaterThan(50);
    expect(retryAfter(limited)).toBeLessThanOrEqual(60);
    pair.service.advance(MINUTE_MS - 5_000);
    const later = await read('wrong-key-of-this-test');
    expect([later.status, retryAfter(later) <= 5]).toEqual([429, true]);
    pair.service.advance(5_000);
    expect((await read('wrong-key-of-this-test')).status).toBe(401);
  });

  it('hold up no key that is in use from their address', async () => {
    pair = await Pair.start();
    expect((await read(CLIENT_KEY)).status).toBe(200);
    expect((await pair.service.call('GET', ADMIN, { key: ADMIN_KEY })).status).toBe(200);
    await fail(25);
    expect((await read(CLIENT_KEY)).status).toBe(200);
    expect((await pair.service.call('GET', ADMIN, { key: ADMIN_KEY })).status).toBe(200);
    // Known, though not for this: no attempt to guess.
    expect((await read(ADMIN_KEY)).status).toBe(403);
    expect((await pair.service.call('GET', ADMIN, { key: CLIENT_KEY })).status).toBe(403);
  });

  it('let who guessed right at last wait like who guessed wrong, and not know it', async () => {
    pair = await Pair.start();
    const admin = (key: string): Promise<AnyAnswer> => pair.service.call('GET', ADMIN, { key });
    const statuses = new Map<number, number>();
    for (let attempt = 0; attempt < 2_000; attempt += 100) {
      const keys = Array.from({ length: 100 }, (_, index) => `wrong-admin-key-${attempt + index}`);
      for (const { status } of await Promise.all(keys.map(admin))) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }
    expect([...statuses]).toEqual([
      [401, 20],
      [429, 1_980],
    ]);
    const wrong = await admin('wrong-admin-key');
    for (const right of [
      await admin(ADMIN_KEY),
      await admin(CLIENT_KEY),
      await read(CLIENT_KEY),
      await read(ADMIN_KEY),
    ]) {
      expect(right.status).toBe(429);
      expect(retryAfter(right)).toBeGreaterThan(0);
      expect(retryAfter(right)).toBeLessThanOrEqual(60);
      expect(right.body).toEqual(wrong.body);
    }
    pair.service.advance(MINUTE_MS);
    expect((await admin(ADMIN_KEY)).status).toBe(200);
    expect((await read(CLIENT_KEY)).status).toBe(200);
    const metrics = await pair.service.call<string>('GET', '/metrics', { key: CLIENT_KEY });
    expect(metrics.body).toMatch(/authentication_failures_total\{.*"limited_address".*\} 4$/m);
  });

  it('count together, whichever guard refuses them; a request without a key does not', async () => {
    pair = await Pair.start();
    for (let attempt = 0; attempt < 25; attempt += 1) {
      expect((await pair.service.call('GET', READ)).status).toBe(401);
    }
    await fail(10);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const { status } = await pair.service.call('GET', ADMIN, { key: `wrong-admin-${attempt}` });
      expect(status).toBe(401);
    }
    expect((await pair.service.call('GET', ADMIN, { key: 'wrong-admin-key' })).status).toBe(429);
    expect(await fail(1)).toEqual([429]);
  });

  it('count under /cgi-bin as well, where they are answered as WeChat would', async () => {
    pair = await Pair.start();
    const token = async (secret: string): Promise<{ errcode?: number }> => {
      const query = `grant_type=client_credential&appid=${APP_ID}&secret=${secret}`;
      return (await pair.service.call<object>('GET', `/cgi-bin/token?${query}`)).body;
    };
    for (let attempt = 0; attempt < 20; attempt += 1) {
      expect(await token(`wrong-key-${attempt}`)).toMatchObject({ errcode: 40125 });
    }
    const wrong = await token('wrong-key');
    expect(wrong).toMatchObject({ errcode: 45011 });
    expect(await fail(1)).toEqual([429]);
    for (const right of [CLIENT_KEY, ADMIN_KEY]) {
      expect(withoutRid(await token(right))).toEqual(withoutRid(wrong));
    }
    pair.service.advance(MINUTE_MS);
    expect(await token(CLIENT_KEY)).toHaveProperty('access_token');
    for (let attempt = 0; attempt < 21; attempt += 1) {
      await token(`wrong-key-${attempt}`);
    }
    expect(await token(CLIENT_KEY)).toHaveProperty('access_token');
  });

  it('count when they come at once', async () => {
    pair = await Pair.start();
    const answers = await Promise.all(Array.from({ length: 50 }, () => read('wrong-key-of-many')));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(20);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  });

  it('leave one line of the log for each minute, with the address and no key', async () => {
    pair = await Pair.start();
    await fail(30);
    expect(pair.service.events('failed_keys_limited')).toEqual([
      expect.objectContaining({ source_address: '127.0.0.1' }),
    ]);
    expect(pair.service.logged).not.toContain('wrong-key');
  });
});

describe('the address that is limited', () => {
  it('is not taken from X-Forwarded-For while no proxy is trusted', async () => {
    pair = await Pair.start();
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await fail(1, `203.0.113.${attempt}`);
    }
    expect(await fail(1, '203.0.113.99')).toEqual([429]);
  });

  it('is the one that the proxy saw; others behind it are not limited', async () => {
    pair = await Pair.start({ environment: BEHIND_A_PROXY });
    expect(new Set(await fail(20, '203.0.113.9'))).toEqual(new Set([401]));
    expect(await fail(1, '203.0.113.9')).toEqual([429]);
    expect(await fail(1, '203.0.113.10')).toEqual([401]);
    expect((await read(CLIENT_KEY, '203.0.113.9')).status).toBe(429);
    expect((await read(CLIENT_KEY, '203.0.113.10')).status).toBe(200);
  });

  it('is the first from the right that is no proxy: what a client wrote before it does not count', async () => {
    pair = await Pair.start({ environment: BEHIND_A_PROXY });
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await fail(1, `198.51.100.${attempt}, 203.0.113.9, 10.0.0.5, 2001:db8:ffff::1`);
    }
    expect(await fail(1, '198.51.100.99, 203.0.113.9, 10.0.0.5')).toEqual([429]);
    // A client that pretends to be one of the proxies is still the one that the proxy saw.
    expect(await fail(1, '10.0.0.5, 203.0.113.9')).toEqual([429]);
    expect(await fail(1, '203.0.113.9, 203.0.113.10')).toEqual([401]);
  });

  it.each([
    ['IPv4 as IPv6 carries it', '203.0.113.9', '::ffff:203.0.113.9', 429],
    ['with a port', '203.0.113.9', '203.0.113.9:4711', 429],
    ['IPv6 of the same /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff::2', 429],
    ['IPv6 of the next /64', '2001:db8:1:2::1', '2001:db8:1:3::1', 401],
    ['what is no address: the proxy’s own', 'anything', 'anything else', 429],
  ])('counts as the same or another: %s', async (_what, first, second, status) => {
    pair = await Pair.start({ environment: BEHIND_A_PROXY });
    await fail(20, first);
    expect(await fail(1, second)).toEqual([status]);
  });
});

const APP_IDS = [
  APP_ID,
  ...Array.from({ length: 11 }, (_, index) => `wx${String(index + 1).padStart(16, '0')}`),
];
const OTHER_KEY = 'canary-other-key-0123456789';

/** A service with twelve accounts, since the probes of one are shared for 2 s, and with another client. */
async function startWithTwelveAccounts(): Promise<void> {
  const wechat = await startSimulator({
    accounts: APP_IDS.map((appId) => ({ appId, secret: APP_SECRET })),
  });
  const service = await startService(wechat);
  await service.ready();
  for (const app_id of APP_IDS.slice(1)) {
    const body = { app_id, app_secret: APP_SECRET };
    await service.call('POST', '/v1/admin/accounts', { key: ADMIN_KEY, body });
  }
  await service.tick();
  const other: Client = {
    id: 'other',
    scopes: new Set(SCOPES),
    accounts: 'all',
    gateway: NO_GATEWAY_RULES,
  };
  service.app.get(ClientDirectory).replaceStored(new Map([[hashKey(OTHER_KEY), other]]));
  pair = new Pair(wechat, service, 'stable');
}

describe('reports', () => {
  function report(key = CLIENT_KEY, appId = APP_ID, version = 1): Promise<AnyAnswer> {
    const path = `/v1/accounts/${appId}/access-token/report`;
    return pair.service.call('POST', path, { key, body: { version } });
  }

  /** Twelve probes every 2.5 s, one of each account: 60 in 12.5 s, so that a minute is not over on a busy machine. */
  async function probe(rounds: number, key = CLIENT_KEY): Promise<number[]> {
    const statuses: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const appId of APP_IDS) {
        statuses.push((await report(key, appId)).status);
      }
      pair.service.advance(2_500);
    }
    return statuses;
  }

  it('start 60 probes a minute for each client; the next is 429, another client’s is not', async () => {
    await startWithTwelveAccounts();
    expect(await probe(5)).toEqual(new Array(60).fill(200));
    expect(await pair.probeCount()).toBe(60);
    const limited = await report();
    expect([limited.status, limited.body.code]).toEqual([429, 'rate_limited']);
    expect(retryAfter(limited)).toBeGreaterThan(0);
    expect(retryAfter(limited)).toBeLessThanOrEqual(48);
    expect(await pair.probeCount()).toBe(60);
    // What asks nothing of WeChat does not count.
    expect((await report(CLIENT_KEY, APP_ID, 9)).body.outcome).toBe('superseded');
    expect((await read(CLIENT_KEY)).status).toBe(200);
    expect((await report(OTHER_KEY)).status).toBe(200);
    expect(await pair.probeCount()).toBe(61);
    expect((await report()).body.outcome).toBe('still_valid');
    pair.service.advance(48_000);
    expect((await report()).status).toBe(200);
  });

  it('that come at once and share a probe count as one, whoever sends them', async () => {
    await startWithTwelveAccounts();
    const together = await Promise.all(
      [CLIENT_KEY, OTHER_KEY].flatMap((key) => Array.from({ length: 30 }, () => report(key))),
    );
    expect(new Set(together.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await pair.probeCount()).toBe(1);
    pair.service.advance(2_500);
    // One of the two has 59 left, and the other all of its 60.
    const statuses = [...(await probe(5)), ...(await probe(5, OTHER_KEY))];
    expect(statuses.filter((status) => status === 429)).toHaveLength(1);
  });
});

describe('refreshes on an admin’s word', () => {
  it('are 10 a minute for each account, forced or not', async () => {
    await startWithTwelveAccounts();
    for (let refresh = 0; refresh < 10; refresh += 1) {
      const { status } = await pair.service.adminRefresh({ reason: 'test' }, '?wait=60');
      expect(status).toBe(200);
      pair.service.advance(2_001);
    }
    const before = await pair.fetchCount();
    const limited = await pair.service.adminRefresh();
    expect([limited.status, limited.body.code]).toEqual([429, 'rate_limited']);
    const wait = Number(limited.headers.get('retry-after'));
    expect([wait > 0, wait <= 60]).toEqual([true, true]);
    const forced = await pair.service.adminRefresh({ force: true });
    expect(forced.body.code).toBe('rate_limited');
    expect(await pair.fetchCount()).toBe(before);
    const path = `/v1/admin/accounts/${APP_IDS[1]}/access-token/refresh`;
    expect((await pair.service.call('POST', path, { key: ADMIN_KEY })).status).toBe(200);
    pair.service.advance(MINUTE_MS);
    expect((await pair.service.adminRefresh()).status).toBe(200);
  });

  it('with a body that is wrong do not count', async () => {
    pair = await Pair.start();
    for (let refresh = 0; refresh < 12; refresh += 1) {
      expect((await pair.service.adminRefresh({ force: 'yes' })).status).toBe(400);
    }
    expect((await pair.service.adminRefresh({}, '?wait=10')).status).toBe(200);
  });
});
