import { afterEach, describe, expect, it } from '@jest/globals';
import { createDatabase } from './support/database.js';
import { FETCH_PATH, Pair, type Mode } from './support/pair.js';
import { type Answer, APP_ID, APP_SECRET, CLIENT_KEY, startService } from './support/service.js';
import { startSimulator } from './support/simulator.js';

let pair: Pair;
afterEach(() => pair.close());

const MODES: Mode[] = ['stable', 'legacy'];

describe.each(MODES)('the life of a %s token', (mode) => {
  it('is fetched once at the start and served with what truly remains', async () => {
    pair = await Pair.start({ mode });
    const { status, body, headers } = await pair.service.read();
    expect(status).toBe(200);
    expect(body).toEqual({
      app_id: APP_ID,
      access_token: (await pair.wechat.newestToken(APP_ID, mode))?.accessToken,
      expires_in: 7_199,
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      version: 1,
      cache_for: 60,
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(await pair.fetchCount()).toBe(1);

    await pair.pass(1_000);
    expect((await pair.service.read()).body.expires_in).toBe(6_199);
  });

  it('answers 304 to the ETag of the version, until it rotates', async () => {
    pair = await Pair.start({ mode });
    const first = await pair.service.read();
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    const ask = (ifNoneMatch: string): Promise<Answer<string>> =>
      pair.service.call('GET', `/v1/accounts/${APP_ID}/access-token`, {
        key: CLIENT_KEY,
        headers: { 'if-none-match': ifNoneMatch },
      });
    const unchanged = await ask(etag);
    expect(unchanged.status).toBe(304);
    expect(unchanged.body).toBe('');
    expect(unchanged.headers.get('etag')).toBe(etag);
    expect((await ask(`"other", W/${etag}`)).status).toBe(304);
    expect((await ask('"other"')).status).toBe(200);

    await pair.later(6_930);
    expect((await ask(etag)).status).toBe(200);
  });

  it('gives the same token to 500 readers who come before there is one, for one fetch', async () => {
    pair = await startEmpty(mode);
    const answers = await Promise.all(Array.from({ length: 500 }, () => pair.service.read()));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(1);
    expect(await pair.fetchCount()).toBe(1);
  });

  it('is not fetched again by a restart while it lives', async () => {
    const database = await createDatabase();
    try {
      pair = await Pair.start({ mode, environment: { DATABASE_URL: database.url } });
      const { body: before } = await pair.service.read();
      await pair.service.close();

      const restarted = await startService(pair.wechat, {
        DATABASE_URL: database.url,
        WECHAT_TOKEN_MODE: mode,
      });
      pair = new Pair(pair.wechat, restarted, mode);
      await restarted.ready();
      await restarted.tick();
      const { body: after } = await restarted.read();
      expect(after.access_token).toBe(before.access_token);
      expect(after.version).toBe(before.version);
      expect(after.expires_at).toBe(before.expires_at);
      expect(await pair.fetchCount()).toBe(1);
    } finally {
      await pair.service.close();
      await database.remove();
    }
  });

  it('is kept while refreshes fail, to its end and not a second longer', async () => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    await pair.wechat.fault({
      path: FETCH_PATH[mode],
      kind: 'errcode',
      errcode: -1,
      times: 'always',
    });
    await pair.later(7_100);
    expect(await pair.token()).toBe(token);
    expect((await pair.service.state()).failures_in_a_row).toBe(1);

    await pair.pass(98);
    expect(await pair.token()).toBe(token);
    await pair.pass(2);
    const expired = await pair.service.read('?wait=0');
    expect(expired.status).toBe(503);
    expect(expired.body.code).toBe('token_unavailable');
    expect(expired.body.upstream?.errcode).toBe(-1);
    expect(Number(expired.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });

  it('comes back by itself after WeChat does', async () => {
    pair = await Pair.start({
      mode,
      before: (wechat) =>
        wechat.fault({ path: FETCH_PATH[mode], kind: 'errcode', errcode: -1, times: 2 }),
    });
    expect((await pair.service.read('?wait=0')).status).toBe(503);
    await pair.later(5);
    expect((await pair.service.read('?wait=0')).status).toBe(503);
    await pair.later(10);
    expect((await pair.service.read('?wait=0')).status).toBe(200);
    expect(await pair.fetchCount()).toBe(3);
  });
});

describe('when it is due', () => {
  it('stable: not with 300 s left, and once with 280', async () => {
    pair = await Pair.start({ mode: 'stable' });
    const first = await pair.token();
    await pair.later(6_900);
    expect(await pair.fetchCount()).toBe(1);
    await pair.later(21);
    expect(await pair.fetchCount()).toBe(2);
    const { body } = await pair.service.read();
    expect(body.access_token).not.toBe(first);
    expect(body.version).toBeGreaterThan(1);
    expect(body.expires_in).toBe(7_199);
    await pair.later(60);
    expect(await pair.fetchCount()).toBe(2);
  });

  it('legacy: not after 4,559 s, and once after 4,801', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    const first = await pair.token();
    await pair.later(4_559);
    expect(await pair.fetchCount()).toBe(1);
    await pair.later(242);
    expect(await pair.fetchCount()).toBe(2);
    expect(await pair.token()).not.toBe(first);
    expect(await pair.accepts(first)).toBe(true);
  });

  it('goes on serving the old token while the new one is fetched', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    const first = await pair.token();
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'delay', delayMs: 300 });
    await pair.pass(4_801);
    const refreshed = pair.service.tick();
    await pair.wechat.untilCalls({ path: FETCH_PATH.legacy, outcome: 'in_flight' });
    expect(await pair.token()).toBe(first);
    await refreshed;
    expect(await pair.token()).not.toBe(first);
  });

  it('a whole life fits in seconds: margins shrink with the lifetime', async () => {
    pair = await Pair.start({
      mode: 'legacy',
      simulator: { lifetimeSeconds: 120, overlapSeconds: 30 },
    });
    const { body } = await pair.service.read();
    expect(body.expires_in).toBe(119);
    expect(body.cache_for).toBe(6);
    await pair.later(75);
    expect(await pair.fetchCount()).toBe(1);
    await pair.later(6);
    expect(await pair.fetchCount()).toBe(2);
  });
});

describe('configuration', () => {
  it('a changed secret is tried as soon as the floor allows', async () => {
    const database = await createDatabase();
    try {
      const environment = { DATABASE_URL: database.url };
      pair = await Pair.start({ environment });
      await pair.service.close();
      await pair.wechat.alterAccount(APP_ID, { secret: 'another-secret-of-the-account' });
      const service = await startService(pair.wechat, {
        ...environment,
        WECHAT_APP_SECRET: 'another-secret-of-the-account',
      });
      pair = new Pair(pair.wechat, service, 'stable');
      await service.ready();
      await pair.later(3);
      expect(await pair.fetchCount()).toBe(2);
      expect((await service.state()).failures_in_a_row).toBe(0);
    } finally {
      await pair.service.close();
      await database.remove();
    }
  });

  it('a changed mode rotates into the other family as soon as the floor allows', async () => {
    const database = await createDatabase();
    try {
      const environment = { DATABASE_URL: database.url };
      pair = await Pair.start({ mode: 'stable', environment });
      const stable = await pair.token();
      await pair.service.close();
      const service = await startService(pair.wechat, {
        ...environment,
        WECHAT_TOKEN_MODE: 'legacy',
      });
      pair = new Pair(pair.wechat, service, 'legacy');
      await service.ready();
      await pair.later(6);
      expect(await pair.fetchCount()).toBe(1);
      expect(await pair.token()).not.toBe(stable);
    } finally {
      await pair.service.close();
      await database.remove();
    }
  });
});

/** A pair whose service listens while its first fetch is still under way. */
async function startEmpty(mode: Mode): Promise<Pair> {
  const wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  await wechat.fault({ path: FETCH_PATH[mode], kind: 'delay', delayMs: 500 });
  const service = await startService(wechat, { WECHAT_TOKEN_MODE: mode });
  await wechat.untilCalls({ path: FETCH_PATH[mode] });
  return new Pair(wechat, service, mode);
}
