import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ControlError, connectSimulator, startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import { APP_ID, OTHER_APP_ID, OTHER_SECRET, SECRET, WechatCaller } from './wechat-caller.js';

let wechat: Simulator;
let caller: WechatCaller;

beforeAll(async () => {
  wechat = await startSimulator({
    lifetimeSeconds: 7200,
    accounts: [{ appId: APP_ID, secret: SECRET }],
  });
  caller = new WechatCaller(wechat.url);
});

beforeEach(() => wechat.reset());

afterAll(() => wechat.close());

/** A control call as `curl` makes it. */
async function control(
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; type: string | null; answer: unknown }> {
  const response = await fetch(`${wechat.url}/__simulator${path}`, { method, body });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    answer: text === '' ? undefined : JSON.parse(text),
  };
}

describe('accounts', () => {
  it('are added, listed, altered and removed while it runs', async () => {
    const other = new WechatCaller(wechat.url, OTHER_APP_ID, OTHER_SECRET);
    expect((await other.fetchLegacy()).errcode).toBe(40013);

    const added = await wechat.addAccount({ appId: OTHER_APP_ID, secret: OTHER_SECRET });
    expect(added).toEqual({
      appId: OTHER_APP_ID,
      kind: 'official_account',
      frozen: false,
      lifetimeSeconds: null,
      ipAllowList: [],
      quotas: {},
      quotaUsed: {},
      forceUsed: 0,
    });
    expect((await wechat.accounts()).map(({ appId }) => appId)).toEqual([APP_ID, OTHER_APP_ID]);
    const { access_token: token } = await other.fetchLegacy();

    await wechat.alterAccount(OTHER_APP_ID, { secret: 'another one' });
    expect((await other.fetchLegacy()).errcode).toBe(40125);

    await wechat.removeAccount(OTHER_APP_ID);
    expect((await other.fetchLegacy()).errcode).toBe(40013);
    expect(await other.errcodeWith(token)).toBe(40001);
    await expect(wechat.account(OTHER_APP_ID)).rejects.toMatchObject({ status: 404 });
  });

  it('are not added twice', async () => {
    const again = wechat.addAccount({ appId: APP_ID, secret: 'x' });

    await expect(again).rejects.toBeInstanceOf(ControlError);
    await expect(again).rejects.toMatchObject({ status: 409 });
    await expect(again).rejects.toThrow(`alter it with PATCH /__simulator/accounts/${APP_ID}`);
  });

  it('take all their fields at once', async () => {
    const account = await wechat.addAccount({
      appId: OTHER_APP_ID,
      secret: OTHER_SECRET,
      kind: 'mini_program',
      frozen: true,
      lifetimeSeconds: 60,
      ipAllowList: ['1.2.3.*'],
      quotas: { '/cgi-bin/token': { perDay: 200 } },
    });

    expect(account).toMatchObject({
      kind: 'mini_program',
      frozen: true,
      lifetimeSeconds: 60,
      ipAllowList: ['1.2.3.*'],
      quotas: { '/cgi-bin/token': { perDay: 200 } },
    });
  });

  it('tell all that is wrong with them, and how it would be right', async () => {
    const { status, type, answer } = await control(
      'POST',
      '/accounts',
      '{"app_id":"gh_1","appsecret":"x"}',
    );

    expect(status).toBe(400);
    expect(type).toBe('application/problem+json; charset=utf-8');
    expect(answer).toMatchObject({
      status: 400,
      errors: [
        { path: 'app_id', message: 'an AppID is "wx" and 16 lower-case hexadecimal digits' },
        { path: 'secret', message: 'is missing; it wants a string' },
        {
          path: '',
          message:
            'unknown field "appsecret"; known are app_id, secret, kind, frozen, lifetime_seconds, ip_allow_list, quotas',
        },
      ],
    });
  });

  it.each([
    ['GET', '/accounts/wx0000000000000000'],
    ['PATCH', '/accounts/wx0000000000000000'],
    ['DELETE', '/accounts/wx0000000000000000'],
    ['GET', '/accounts/wx0000000000000000/tokens'],
    ['POST', '/accounts/wx0000000000000000/mint'],
  ])('%s %s of one that there is not is 404', async (method, path) => {
    const { status, answer } = await control(method, path, method === 'GET' ? undefined : '{}');

    expect(status).toBe(404);
    expect(answer).toMatchObject({ detail: expect.stringContaining('GET /__simulator/accounts') });
  });
});

describe('settings', () => {
  it('change one by one and tell what is in force', async () => {
    const changed = await wechat.changeSettings({ overlapSeconds: 3, stableWindowSeconds: 0.5 });

    expect(changed).toMatchObject({
      lifetimeSeconds: 7200,
      overlapSeconds: 3,
      overlapDepth: 1,
      stableWindowSeconds: 0.5,
    });
    expect(await wechat.settings()).toEqual(changed);
  });

  it('have WeChat’s values where nothing else is said', async () => {
    expect(await wechat.settings()).toMatchObject({
      lifetimeSeconds: 7200,
      overlapSeconds: 300,
      overlapDepth: 1,
      stableWindowSeconds: 300,
      forcePerDay: 20,
      forceIntervalSeconds: 30,
      ticketLifetimeSeconds: 7200,
    });
  });

  it.each([
    ['{"lifetime":5}', 'unknown field \\"lifetime\\"; known are lifetime_seconds, overlap_seconds'],
    ['{"lifetime_seconds":0}', 'lifetime_seconds'],
    ['{"lifetime_seconds":1.5}', 'lifetime_seconds'],
    ['{"overlap_depth":-1}', 'overlap_depth'],
    [
      '{"quotas":{"/cgi-bin/tokens":{}}}',
      'unknown field \\"/cgi-bin/tokens\\"; known are /cgi-bin/token,',
    ],
    [
      '{"quotas":{"/cgi-bin/token":{"per_hour":1}}}',
      'unknown field \\"per_hour\\"; known are per_day, per_minute',
    ],
    ['[]', 'must be of type object'],
    ['{"overlap_depth":', 'the body is not JSON'],
  ])('refuse %s and stay as they are', async (body, message) => {
    const before = await wechat.settings();
    const { status, answer } = await control('PATCH', '/settings', body);

    expect(status).toBe(400);
    expect(JSON.stringify(answer)).toContain(message);
    expect(await wechat.settings()).toEqual(before);
  });
});

describe('tokens', () => {
  it('tell which are alive and which is the newest, in full', async () => {
    const { access_token: first } = await caller.fetchLegacy();
    const { access_token: second } = await caller.fetchLegacy();
    const { access_token: third } = await caller.fetchLegacy();
    const { access_token: stable } = await caller.fetchStable();

    expect(await wechat.tokens(APP_ID)).toMatchObject([
      { accessToken: first, family: 'legacy', number: 1, alive: false, errcode: 40001 },
      { accessToken: second, number: 2, alive: true, errcode: 0, newest: false },
      { accessToken: third, number: 3, alive: true, newest: true, foreign: false },
      { accessToken: stable, family: 'stable', number: 1, alive: true, newest: true },
    ]);
    const alive = await wechat.tokens(APP_ID, { alive: true });
    expect(alive.map(({ accessToken }) => accessToken)).toEqual([second, third, stable]);
    expect((await wechat.newestToken(APP_ID))?.accessToken).toBe(third);
    expect((await wechat.newestToken(APP_ID, 'stable'))?.accessToken).toBe(stable);
  });

  it('tell when they expire and when they die', async () => {
    await caller.fetchLegacy();
    await caller.fetchLegacy();
    const [old, current] = await wechat.tokens(APP_ID);

    const lifeOf = (token: typeof old): number[] => [
      Date.parse(token?.expiresAt ?? '') - Date.parse(token?.mintedAt ?? ''),
      Date.parse(token?.diesAt ?? '') - Date.parse(current?.mintedAt ?? ''),
    ];
    expect(lifeOf(old)).toEqual([7_200_000, 300_000]);
    expect(lifeOf(current)).toEqual([7_200_000, 7_200_000]);
  });

  it('are forgotten past 1,000, the oldest first', async () => {
    await wechat.changeSettings({ quotas: { '/cgi-bin/token': { perDay: null } } });
    const { access_token: first } = await caller.fetchLegacy();
    for (let batch = 0; batch < 20; batch += 1) {
      await Promise.all(Array.from({ length: 50 }, () => caller.fetchLegacy()));
    }

    expect(await wechat.tokens(APP_ID)).toHaveLength(1000);
    expect(await caller.errcodeWith(first)).toBe(40001);
  });
});

describe('a foreign mint', () => {
  it('supersedes the legacy token as a fetch does', async () => {
    const { access_token: ours } = await caller.fetchLegacy();
    const theirs = await wechat.mintAsForeigner(APP_ID);
    expect(theirs).toMatchObject({ family: 'legacy', number: 2, foreign: true, newest: true });
    expect(await caller.errcodeWith(theirs.accessToken)).toBe(0);

    await wechat.advance(300_000);
    expect(await caller.errcodeWith(ours)).toBe(40001);
  });

  it('supersedes the stable token as a forced call does, which unforced calls return then', async () => {
    const { access_token: ours } = await caller.fetchStable();
    const theirs = await wechat.mintAsForeigner(APP_ID, 'stable');

    expect((await caller.fetchStable()).access_token).toBe(theirs.accessToken);
    await wechat.mintAsForeigner(APP_ID, 'stable');
    expect(await caller.errcodeWith(ours)).toBe(40001);
  });

  it('spends nothing of the account’s limits', async () => {
    await wechat.changeSettings({ quotas: { '/cgi-bin/token': { perDay: 0 } } });
    await wechat.mintAsForeigner(APP_ID);
    await wechat.mintAsForeigner(APP_ID, 'stable');
    await wechat.mintAsForeigner(APP_ID, 'stable');

    expect(await wechat.account(APP_ID)).toMatchObject({ quotaUsed: {}, forceUsed: 0 });
    expect((await wechat.tokens(APP_ID)).length).toBe(3);
  });
});

describe('killing a token', () => {
  it('makes calls with it 40001 at once, or another errcode of the dead', async () => {
    const { access_token: token } = await caller.fetchLegacy();

    expect(await wechat.killToken(String(token))).toMatchObject({ alive: false, errcode: 40001 });
    expect(await caller.errcodeWith(token)).toBe(40001);
    await wechat.killToken(String(token), { errcode: 42001 });
    expect(await caller.errcodeWith(token)).toBe(42001);
    await wechat.killToken(String(token), { errcode: 40014 });
    expect(await caller.errcodeWith(token)).toBe(40014);
  });

  it('lets the next stable call mint', async () => {
    const { access_token: token } = await caller.fetchStable();
    await wechat.killToken(String(token));

    expect((await caller.fetchStable()).access_token).not.toBe(token);
  });

  it('or lets it go on returning the dead one, until it is forced', async () => {
    const { access_token: token } = await caller.fetchStable();
    await wechat.killToken(String(token), { stillHandedOut: true });

    expect((await caller.fetchStable()).access_token).toBe(token);
    expect(await caller.errcodeWith(token)).toBe(40001);
    const { access_token: forced } = await caller.force();
    expect(await caller.errcodeWith(forced)).toBe(0);
  });

  it('that no account has is 404', async () => {
    await expect(wechat.killToken('97_nothing')).rejects.toMatchObject({ status: 404 });
  });
});

describe('the clock', () => {
  it('moves forward by so many milliseconds', async () => {
    const before = await wechat.now();
    await wechat.advance(90_000);
    const movedMs = (await wechat.now()).getTime() - before.getTime();

    expect(movedMs).toBeGreaterThanOrEqual(90_000);
    expect(movedMs).toBeLessThan(95_000);
    expect((await wechat.state()).clock.offsetMs).toBe(90_000);
  });

  it.each(['{"advance_ms":-1}', '{"advance_ms":"1"}', '{"ms":1}', ''])(
    'does not take %s',
    async (body) => {
      expect((await control('POST', '/clock', body)).status).toBe(400);
    },
  );
});

describe('a reset', () => {
  it('brings back what the simulator started with', async () => {
    await wechat.addAccount({ appId: OTHER_APP_ID, secret: OTHER_SECRET });
    await wechat.alterAccount(APP_ID, { frozen: true });
    await wechat.changeSettings({ lifetimeSeconds: 5 });
    await wechat.fault({ path: '/cgi-bin/token', kind: 'hang' });
    await wechat.advance(1_000);
    await caller.fetchStable();

    const state = await wechat.reset();
    expect(state).toMatchObject({
      clock: { offsetMs: 0 },
      settings: { lifetimeSeconds: 7200 },
      accounts: [{ appId: APP_ID, frozen: false, quotaUsed: {} }],
      faults: [],
      journal: { entries: 0, inFlight: 0 },
    });
    expect(await wechat.tokens(APP_ID)).toEqual([]);
    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
  });
});

describe('the control interface', () => {
  it('has one state of all', async () => {
    await caller.fetchLegacy();
    await wechat.fault({ path: '/cgi-bin/token', kind: 'hang', times: 3 });

    expect(await wechat.state()).toMatchObject({
      accounts: [{ appId: APP_ID, quotaUsed: { '/cgi-bin/token': { perDay: 1, perMinute: 1 } } }],
      faults: [{ path: '/cgi-bin/token', kind: 'hang', times: 3, struck: 0 }],
      journal: { entries: 1, inFlight: 0 },
    });
  });

  it('says what it does not know', async () => {
    const { status, answer } = await control('PUT', '/faults', '{}');

    expect(status).toBe(404);
    expect(answer).toMatchObject({
      detail: 'there is no control call PUT /__simulator/faults; docs/simulator.md lists them',
    });
  });

  it('stands in no journal', async () => {
    await wechat.state();
    await control('PUT', '/nothing');

    expect(await wechat.journal()).toEqual([]);
  });

  it('takes a chunked body, since it is not WeChat', async () => {
    const stream = new Blob(['{"advance_ms":5}']).stream();
    const response = await fetch(`${wechat.url}/__simulator/clock`, {
      method: 'POST',
      body: stream,
      duplex: 'half',
    });

    expect(response.status).toBe(200);
  });

  it('is all that a handle on another process needs', async () => {
    const remote = connectSimulator(wechat.url);
    await remote.addAccount({ appId: OTHER_APP_ID, secret: OTHER_SECRET });
    await remote.close();

    expect(await wechat.accounts()).toHaveLength(2);
  });

  it('belongs to one simulator: others do not share its state', async () => {
    const another = await startSimulator();

    expect(await another.accounts()).toEqual([]);
    expect(another.url).not.toBe(wechat.url);
    await another.close();
  });
});
