import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import { APP_ID, OTHER_APP_ID, OTHER_SECRET, SECRET, WechatCaller } from './wechat-caller.js';

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

describe('GET /cgi-bin/token', () => {
  it('answers a token of WeChat’s shape for 7200 s, without an errcode', async () => {
    const answer = await caller.fetchLegacy();

    expect(Object.keys(answer)).toEqual(['access_token', 'expires_in']);
    expect(answer.access_token).toMatch(/^\d\d_[A-Za-z0-9_-]{133}$/);
    expect(answer.expires_in).toBe(7200);
  });

  it('mints a token at every fetch', async () => {
    const first = await caller.fetchLegacy();
    const second = await caller.fetchLegacy();

    expect(second.access_token).not.toBe(first.access_token);
    expect(second.expires_in).toBe(7200);
  });

  it('keeps the superseded token alive for 300 s', async () => {
    const { access_token: old } = await caller.fetchLegacy();
    const { access_token: current } = await caller.fetchLegacy();

    await wechat.advance(299_000);
    expect(await caller.errcodeWith(old)).toBe(0);

    await wechat.advance(1_000);
    expect(await caller.errcodeWith(old)).toBe(40001);
    expect(await caller.errcodeWith(current)).toBe(0);
  });

  it('covers one superseded token: a second fetch kills the one before the previous at once', async () => {
    const { access_token: first } = await caller.fetchLegacy();
    const { access_token: second } = await caller.fetchLegacy();
    expect(await caller.errcodeWith(first)).toBe(0);

    const { access_token: third } = await caller.fetchLegacy();

    expect(await caller.errcodeWith(first)).toBe(40001);
    expect(await caller.errcodeWith(second)).toBe(0);
    expect(await caller.errcodeWith(third)).toBe(0);
  });

  it('does not give a token a second overlap when it is superseded again', async () => {
    await wechat.changeSettings({ overlapDepth: 2 });
    const { access_token: first } = await caller.fetchLegacy();
    await caller.fetchLegacy();
    await wechat.advance(200_000);
    await caller.fetchLegacy();

    await wechat.advance(99_000);
    expect(await caller.errcodeWith(first)).toBe(0);
    await wechat.advance(1_000);
    expect(await caller.errcodeWith(first)).toBe(40001);
  });

  it('covers as many superseded tokens, for as long, as its settings say', async () => {
    await wechat.changeSettings({ overlapDepth: 2, overlapSeconds: 10 });
    const { access_token: first } = await caller.fetchLegacy();
    const { access_token: second } = await caller.fetchLegacy();
    await caller.fetchLegacy();
    expect(await caller.errcodeWith(first)).toBe(0);
    expect(await caller.errcodeWith(second)).toBe(0);

    await wechat.advance(10_000);
    expect(await caller.errcodeWith(first)).toBe(40001);
    expect(await caller.errcodeWith(second)).toBe(40001);
  });

  it('lets the old token die at once where the overlap covers none', async () => {
    await wechat.changeSettings({ overlapDepth: 0 });
    const { access_token: first } = await caller.fetchLegacy();
    await caller.fetchLegacy();

    expect(await caller.errcodeWith(first)).toBe(40001);
  });

  it('lets a token expire after 7200 s with 42001', async () => {
    const { access_token: token } = await caller.fetchLegacy();

    await wechat.advance(7_199_000);
    expect(await caller.errcodeWith(token)).toBe(0);
    await wechat.advance(1_000);
    expect(await caller.errcodeWith(token)).toBe(42001);
  });

  it('never lets the overlap outlive the lifetime', async () => {
    const { access_token: old } = await caller.fetchLegacy();
    await wechat.advance(7_100_000);
    await caller.fetchLegacy();

    await wechat.advance(100_000);
    expect(await caller.errcodeWith(old)).toBe(42001);
  });

  it('takes its lifetime from the settings, and an account’s own before that', async () => {
    await wechat.changeSettings({ lifetimeSeconds: 12 });
    await wechat.alterAccount(OTHER_APP_ID, { lifetimeSeconds: 5 });
    const other = new WechatCaller(wechat.url, OTHER_APP_ID, OTHER_SECRET);

    expect((await caller.fetchLegacy()).expires_in).toBe(12);
    const { access_token: token, expires_in: expiresIn } = await other.fetchLegacy();
    expect(expiresIn).toBe(5);
    await wechat.advance(5_000);
    expect(await other.errcodeWith(token)).toBe(42001);

    await wechat.alterAccount(OTHER_APP_ID, { lifetimeSeconds: null });
    expect((await other.fetchLegacy()).expires_in).toBe(12);
  });

  it('keeps the accounts apart', async () => {
    const other = new WechatCaller(wechat.url, OTHER_APP_ID, OTHER_SECRET);
    const { access_token: mine } = await caller.fetchLegacy();
    await other.fetchLegacy();
    await other.fetchLegacy();

    expect(await caller.errcodeWith(mine)).toBe(0);
    expect(await wechat.tokens(APP_ID)).toHaveLength(1);
    expect(await wechat.tokens(OTHER_APP_ID)).toHaveLength(2);
  });
});

describe('what GET /cgi-bin/token refuses', () => {
  it.each([
    ['no AppID', { appid: '' }, 41002, 'appid missing'],
    ['an unknown AppID', { appid: 'wx0000000000000000' }, 40013, 'invalid appid'],
    [
      'an unknown AppID before a wrong grant_type',
      { appid: 'wx0000000000000000', grant_type: '' },
      40013,
      'invalid appid',
    ],
    ['a wrong grant_type', { grant_type: 'authorization_code' }, 40002, 'invalid grant_type'],
    ['no grant_type', { grant_type: '' }, 40002, 'invalid grant_type'],
    ['no secret', { secret: '' }, 41004, 'appsecret missing'],
    ['a wrong secret', { secret: 'wrong' }, 40125, 'invalid appsecret'],
    [
      'a secret that is another account’s',
      { secret: OTHER_SECRET },
      40001,
      'invalid credential, access_token is invalid or not latest',
    ],
  ])('%s', async (_, overrides: Record<string, string>, errcode, errmsg) => {
    const answer = await caller.fetchLegacy(overrides);

    expect(answer.errcode).toBe(errcode);
    expect(answer.errmsg).toContain(`${errmsg} rid: `);
    expect(await wechat.tokens(APP_ID)).toEqual([]);
  });

  it('a POST, with 43001', async () => {
    expect((await caller.postJson('/cgi-bin/token', {})).errcode).toBe(43001);
  });

  it('everybody while the AppSecret is frozen, with 40243', async () => {
    await wechat.alterAccount(APP_ID, { frozen: true });
    expect((await caller.fetchLegacy()).errcode).toBe(40243);
    expect((await caller.fetchStable()).errcode).toBe(40243);

    await wechat.alterAccount(APP_ID, { frozen: false });
    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
  });

  it('the old secret from the moment it is changed, while tokens live on', async () => {
    const { access_token: token } = await caller.fetchLegacy();
    await wechat.alterAccount(APP_ID, { secret: 'the new one' });

    expect((await caller.fetchLegacy()).errcode).toBe(40125);
    expect(await caller.errcodeWith(token)).toBe(0);
    expect((await caller.fetchLegacy({ secret: 'the new one' })).expires_in).toBe(7200);
  });
});
