import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import { APP_ID, OTHER_APP_ID, OTHER_SECRET, SECRET, WechatCaller } from './wechat-caller.js';

const DAY_MS = 86_400_000;

let wechat: Simulator;
let caller: WechatCaller;

beforeAll(async () => {
  wechat = await startSimulator({
    accounts: [
      { appId: APP_ID, secret: SECRET },
      { appId: OTHER_APP_ID, secret: OTHER_SECRET },
    ],
  });
  caller = new WechatCaller(wechat.url);
});

beforeEach(() => wechat.reset());

afterAll(() => wechat.close());

describe('POST /cgi-bin/stable_token, unforced', () => {
  it('answers a token for 7200 s, without an errcode', async () => {
    const answer = await caller.fetchStable();

    expect(Object.keys(answer)).toEqual(['access_token', 'expires_in']);
    expect(answer.access_token).toMatch(/^\d\d_[A-Za-z0-9_-]{133}$/);
    expect(answer.expires_in).toBe(7200);
  });

  it('returns the same token with what remains of it until the last 300 s', async () => {
    const { access_token: token } = await caller.fetchStable();

    await wechat.advance(6_855_000);
    const repeated = await caller.fetchStable();
    expect(repeated.access_token).toBe(token);
    // Real milliseconds pass as well: the whole second may have begun.
    expect([344, 345]).toContain(repeated.expires_in);
  });

  it('mints in the last 300 s, and lets the old token live out its time', async () => {
    const { access_token: old } = await caller.fetchStable();

    await wechat.advance(6_900_000);
    const renewed = await caller.fetchStable();
    expect(renewed.access_token).not.toBe(old);
    expect(renewed.expires_in).toBe(7200);
    expect(await caller.errcodeWith(old)).toBe(0);

    await wechat.advance(300_000);
    expect(await caller.errcodeWith(old)).not.toBe(0);
    expect(await caller.errcodeWith(renewed.access_token)).toBe(0);
  });

  it('mints where the token has expired', async () => {
    const { access_token: old } = await caller.fetchStable();
    await wechat.advance(7_200_000);

    expect(await caller.errcodeWith(old)).toBe(42001);
    expect((await caller.fetchStable()).expires_in).toBe(7200);
  });

  it('has a window that is a setting', async () => {
    await wechat.changeSettings({ lifetimeSeconds: 12, stableWindowSeconds: 3 });
    const { access_token: token } = await caller.fetchStable();

    await wechat.advance(8_000);
    expect((await caller.fetchStable()).access_token).toBe(token);
    await wechat.advance(1_000);
    expect((await caller.fetchStable()).access_token).not.toBe(token);
  });

  it('knows nothing of the legacy tokens, nor they of it', async () => {
    const { access_token: stable } = await caller.fetchStable();
    const { access_token: legacy } = await caller.fetchLegacy();
    expect(stable).not.toBe(legacy);

    await caller.fetchLegacy();
    await caller.fetchLegacy();
    expect(await caller.errcodeWith(stable)).toBe(0);
    const { access_token: newestLegacy } = await caller.fetchLegacy();

    await caller.force();
    await wechat.advance(30_000);
    await caller.force();
    expect(await caller.errcodeWith(newestLegacy)).toBe(0);
    expect(await caller.errcodeWith(stable)).toBe(40001);
  });
});

describe('POST /cgi-bin/stable_token, forced', () => {
  it('returns a new token and lets the old one live 300 s more', async () => {
    const { access_token: old } = await caller.fetchStable();
    const forced = await caller.force();

    expect(forced.access_token).not.toBe(old);
    expect(forced.expires_in).toBe(7200);
    await wechat.advance(299_000);
    expect(await caller.errcodeWith(old)).toBe(0);
    await wechat.advance(1_000);
    expect(await caller.errcodeWith(old)).toBe(40001);
  });

  it('kills a leaked token by two calls 30 s apart', async () => {
    const { access_token: leaked } = await caller.fetchStable();
    await caller.force();
    await wechat.advance(30_000);
    await caller.force();

    expect(await caller.errcodeWith(leaked)).toBe(40001);
  });

  it('does not refresh within 30 s of the last time, and returns the same token', async () => {
    const { access_token: first } = await caller.force();

    await wechat.advance(29_000);
    const tooSoon = await caller.force();
    expect(tooSoon.access_token).toBe(first);
    expect([7170, 7171]).toContain(tooSoon.expires_in);

    await wechat.advance(1_000);
    expect((await caller.force()).access_token).not.toBe(first);
  });

  it('refreshes 20 times a day, and returns the same token after that', async () => {
    const tokens = new Set<unknown>();
    for (let call = 0; call < 20; call += 1) {
      tokens.add((await caller.force()).access_token);
      await wechat.advance(30_000);
    }
    expect(tokens.size).toBe(20);

    const refused = await caller.force();
    expect(tokens).toContain(refused.access_token);
    expect((await wechat.account(APP_ID)).forceUsed).toBe(20);

    await wechat.advance(DAY_MS);
    tokens.add((await caller.fetchStable()).access_token);
    tokens.add((await caller.force()).access_token);
    expect(tokens.size).toBe(22);
    expect((await wechat.account(APP_ID)).forceUsed).toBe(1);
  });

  it('has limits that are settings', async () => {
    await wechat.changeSettings({ forcePerDay: 2, forceIntervalSeconds: 0 });
    const first = await caller.force();
    const second = await caller.force();
    const third = await caller.force();

    expect(second.access_token).not.toBe(first.access_token);
    expect(third.access_token).toBe(second.access_token);
  });

  it('past its limits still mints where an unforced call would', async () => {
    await wechat.changeSettings({ forcePerDay: 1 });
    const { access_token: first } = await caller.force();
    await wechat.advance(6_900_000);

    expect((await caller.force()).access_token).not.toBe(first);
    expect((await wechat.account(APP_ID)).forceUsed).toBe(1);
  });
});

describe('what POST /cgi-bin/stable_token refuses', () => {
  it.each([
    ['no AppID', { appid: undefined }, 41002],
    ['an unknown AppID', { appid: 'wx0000000000000000' }, 40013],
    [
      'an unknown AppID before no grant_type',
      { appid: 'wx0000000000000000', grant_type: '' },
      40013,
    ],
    ['a wrong grant_type', { grant_type: 'authorization_code' }, 40002],
    ['no secret', { secret: undefined }, 41004],
    ['a wrong secret', { secret: 'wrong' }, 40125],
    ['a secret that is another account’s', { secret: OTHER_SECRET }, 40125],
    ['a force_refresh that is no boolean', { force_refresh: 'true' }, 47001],
  ])('%s', async (_, overrides, errcode) => {
    expect((await caller.fetchStable(overrides)).errcode).toBe(errcode);
    expect(await wechat.tokens(APP_ID)).toEqual([]);
  });

  it.each([
    ['an empty body', '', 44002],
    ['broken JSON', '{"appid":', 47001],
    ['a form', 'grant_type=client_credential&appid=wx0123456789abcdef', 41002],
    ['JSON that is no object', '["wx0123456789abcdef"]', 41002],
  ])('%s', async (_, body, errcode) => {
    expect((await caller.postJson('/cgi-bin/stable_token', body)).errcode).toBe(errcode);
  });

  it('a GET, with 43002', async () => {
    const answer = await caller.getJson('/cgi-bin/stable_token', { appid: APP_ID, secret: SECRET });

    expect(answer.errcode).toBe(43002);
    expect(answer.errmsg).toContain('require POST method');
  });

  it('takes JSON whatever its Content-Type says, and fields that it does not know', async () => {
    const response = await fetch(`${wechat.url}/cgi-bin/stable_token`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: JSON.stringify({
        grant_type: 'client_credential',
        appid: APP_ID,
        secret: SECRET,
        something: 'else',
      }),
    });

    expect(await response.json()).toMatchObject({ expires_in: 7200 });
  });
});
