import { afterEach, describe, expect, it } from '@jest/globals';
import { FETCH_PATH, Pair } from './support/pair.js';
import { ADMIN_KEY, APP_ID, CLIENT_KEY } from './support/service.js';

let pair: Pair;
afterEach(() => pair.close());

describe('an admin refresh', () => {
  it('legacy: always rotates, and never shows the token', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    await pair.pass(60);
    const { status, body } = await pair.service.adminRefresh();
    expect(status).toBe(200);
    expect(body).toEqual({
      app_id: APP_ID,
      version: 2,
      expires_in: 7_199,
      expires_at: expect.stringMatching(/Z$/),
      rotated: true,
    });
    expect(JSON.stringify(body)).not.toContain(await pair.token());
  });

  it('stable: WeChat returns the same token until its last 5 minutes', async () => {
    pair = await Pair.start();
    await pair.pass(60);
    const { body } = await pair.service.adminRefresh({ reason: 'just to see' });
    expect(body).toMatchObject({ version: 1, rotated: false });
    expect(body.expires_in).toBeLessThanOrEqual(7_139);
    expect(await pair.fetchCount()).toBe(2);
  });

  it('stable, forced: rotates; not again within 30 s, and not 21 times in 24 hours', async () => {
    pair = await Pair.start();
    await pair.pass(60);
    expect((await pair.service.adminRefresh({ force: true })).body.rotated).toBe(true);

    await pair.pass(10);
    const early = await pair.service.adminRefresh({ force: true });
    expect(early.status).toBe(429);
    expect(early.body.code).toBe('force_refresh_limited');
    expect(Number(early.headers.get('retry-after'))).toBeLessThanOrEqual(20);
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThanOrEqual(19);

    for (let forced = 2; forced <= 20; forced += 1) {
      await pair.pass(31);
      expect((await pair.service.adminRefresh({ force: true })).status).toBe(200);
    }
    await pair.pass(31);
    const late = await pair.service.adminRefresh({ force: true });
    expect(late.status).toBe(429);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(85_000);
    expect((await pair.fetches()).filter(({ forced }) => forced)).toHaveLength(20);
  });

  it('waits for the floor, within its wait', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    const early = await pair.service.adminRefresh(undefined, '?wait=0');
    expect(early.status).toBe(503);
    expect(early.body.code).toBe('token_unavailable');
    expect(Number(early.headers.get('retry-after'))).toBeLessThanOrEqual(5);
    expect(await pair.fetchCount()).toBe(1);
    expect((await pair.service.adminRefresh(undefined, '?wait=10')).status).toBe(200);
    expect(await pair.fetchCount()).toBe(2);
  });

  it('tries at once where the schedule waits for an operator', async () => {
    pair = await Pair.start({
      before: (wechat) =>
        wechat.fault({ path: FETCH_PATH.stable, kind: 'errcode', errcode: 40164 }),
    });
    expect((await pair.service.read('?wait=0')).status).toBe(503);
    await pair.later(10);
    expect(await pair.fetchCount()).toBe(1);
    const { status, body } = await pair.service.adminRefresh();
    expect(status).toBe(200);
    expect(body.rotated).toBe(true);
  });

  it.each([
    ['errcode', { kind: 'errcode', errcode: 40125 }, 502, 'wechat_error', 40125],
    ['no answer', { kind: 'hang' }, 504, 'wechat_timeout', null],
    ['a reset', { kind: 'reset_before' }, 502, 'wechat_unreachable', null],
  ] as const)('fails with what WeChat did: %s', async (_name, fault, status, code, errcode) => {
    pair = await Pair.start();
    await pair.pass(60);
    await pair.wechat.fault({ path: FETCH_PATH.stable, ...fault });
    const answer = await pair.service.adminRefresh();
    expect(answer.status).toBe(status);
    expect(answer.body.code).toBe(code);
    expect(answer.body.upstream).toMatchObject({
      errcode,
      advice: expect.stringMatching(/\w{3}/),
    });
    expect((await pair.service.read()).status).toBe(200);
  });

  it('10 while one is under way: one fetch', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    await pair.pass(60);
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'delay', delayMs: 500 });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => pair.service.adminRefresh(undefined, '?wait=3')),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await pair.fetchCount()).toBe(2);
  });

  it('is for the admin key alone', async () => {
    pair = await Pair.start();
    const path = `/v1/admin/accounts/${APP_ID}/access-token/refresh`;
    expect((await pair.service.call('POST', path, { key: CLIENT_KEY })).status).toBe(403);
    expect((await pair.service.call('POST', path)).status).toBe(401);
    const unknown = `/v1/admin/accounts/wxffffffffffffffff/access-token/refresh`;
    const answer = await pair.service.call('POST', unknown, { key: ADMIN_KEY });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ code: 'account_not_found' });
  });
});

it('the admin sees the state of every account, and no secret', async () => {
  pair = await Pair.start();
  const { status, body } = await pair.service.call<{ items: unknown[] }>(
    'GET',
    '/v1/admin/accounts',
    { key: ADMIN_KEY },
  );
  expect(status).toBe(200);
  expect(body).toEqual({
    items: [
      {
        app_id: APP_ID,
        name: null,
        mode: 'stable',
        enabled: true,
        jssdk_hosts: [],
        access_token: {
          state: 'live',
          version: 1,
          expires_at: expect.stringMatching(/Z$/),
          expires_in: 7_199,
          next_refresh_at: expect.stringMatching(/Z$/),
          last_attempt_at: expect.stringMatching(/Z$/),
          failures_in_a_row: 0,
          last_error: null,
          upstream_calls_today: 1,
          ledger: { used: 1, limit: 600 },
          foreign_rotations: 0,
        },
        tickets: [],
      },
    ],
    next_cursor: null,
  });
  expect(JSON.stringify(body)).not.toContain(await pair.token());
});
