import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import {
  APP_ID,
  OTHER_APP_ID,
  OTHER_SECRET,
  SECRET,
  WechatCaller,
  rawRequest,
} from './wechat-caller.js';

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

describe('the quotas', () => {
  it('are WeChat’s where nothing else is set', async () => {
    expect((await wechat.settings()).quotas).toEqual({
      '/cgi-bin/token': { perDay: 2000, perMinute: null },
      '/cgi-bin/stable_token': { perDay: 500_000, perMinute: 10_000 },
    });
  });

  it('end the legacy fetches of a day with 45009, which recommends the stable token', async () => {
    await wechat.changeSettings({ quotas: { '/cgi-bin/token': { perDay: 2 } } });
    await caller.fetchLegacy();
    await caller.fetchLegacy();

    const refused = await caller.fetchLegacy();
    expect(refused.errcode).toBe(45009);
    expect(refused.errmsg).toMatch(
      /^reach max api daily quota limit, could get access_token by getStableAccessToken, more details at https:\/\/mmbizurl\.cn\/s\/JtxxFh33r rid: /,
    );
    expect((await caller.fetchStable()).expires_in).toBe(7200);

    await wechat.advance(DAY_MS - 1_000);
    expect((await caller.fetchLegacy()).errcode).toBe(45009);
    await wechat.advance(1_000);
    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
  });

  it('end those of a minute with 45011', async () => {
    await wechat.changeSettings({ quotas: { '/cgi-bin/stable_token': { perMinute: 1 } } });
    await caller.fetchStable();

    const refused = await caller.fetchStable();
    expect(refused.errcode).toBe(45011);
    expect(refused.errmsg).toContain(
      'api minute-quota reach limit, must slower, retry next minute',
    );
    await wechat.advance(60_000);
    expect((await caller.fetchStable()).errcode).toBeUndefined();
  });

  it('count each account for itself, and an account may have its own', async () => {
    const other = new WechatCaller(wechat.url, OTHER_APP_ID, OTHER_SECRET);
    await wechat.alterAccount(APP_ID, { quotas: { '/cgi-bin/token': { perDay: 1 } } });
    await caller.fetchLegacy();

    expect((await caller.fetchLegacy()).errcode).toBe(45009);
    await other.fetchLegacy();
    expect((await other.fetchLegacy()).expires_in).toBe(7200);
    expect((await wechat.account(APP_ID)).quotaUsed).toEqual({
      '/cgi-bin/token': { perDay: 1, perMinute: 1 },
    });
  });

  it('cover ordinary calls too', async () => {
    await wechat.changeSettings({ quotas: { '/cgi-bin/getcallbackip': { perDay: 1 } } });
    const { access_token: token } = await caller.fetchLegacy();
    expect(await caller.errcodeWith(token)).toBe(0);

    const refused = await caller.getJson('/cgi-bin/getcallbackip', { access_token: String(token) });
    expect(refused.errcode).toBe(45009);
    expect(refused.errmsg).not.toContain('getStableAccessToken');
  });

  it('do not count what is refused for its credentials', async () => {
    await wechat.changeSettings({ quotas: { '/cgi-bin/token': { perDay: 1 } } });
    await caller.fetchLegacy({ secret: 'wrong' });
    await caller.fetchLegacy({ appid: 'wx0000000000000000' });

    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
  });

  it('change limit by limit', async () => {
    const { quotas } = await wechat.changeSettings({
      quotas: { '/cgi-bin/token': { perMinute: 5 } },
    });

    expect(quotas['/cgi-bin/token']).toEqual({ perDay: 2000, perMinute: 5 });
  });
});

describe('the IP allow list', () => {
  async function errcodeFrom(localAddress: string, path: string): Promise<unknown> {
    const { body } = await rawRequest(`${wechat.url}${path}`, { localAddress });
    return (JSON.parse(body) as { errcode?: number }).errcode ?? 0;
  }

  it('refuses others with 40164 and the address that WeChat saw', async () => {
    await wechat.alterAccount(APP_ID, { ipAllowList: ['203.0.113.9'] });
    const refused = await caller.fetchLegacy();

    expect(refused.errcode).toBe(40164);
    expect(refused.errmsg).toMatch(
      /^invalid ip 127\.0\.0\.1 ipv6 ::ffff:127\.0\.0\.1, not in whitelist rid: /,
    );
    expect((await caller.fetchStable()).errcode).toBe(40164);
    expect(await wechat.tokens(APP_ID)).toEqual([]);
  });

  it('lets those through that it names, by address or by CIDR', async () => {
    await wechat.alterAccount(APP_ID, { ipAllowList: ['10.0.0.1', '127.0.0.0/30'] });
    const path = caller.tokenUrl().slice(wechat.url.length);

    expect(await errcodeFrom('127.0.0.1', path)).toBe(0);
    expect(await errcodeFrom('127.0.0.3', path)).toBe(0);
    expect(await errcodeFrom('127.0.0.4', path)).toBe(40164);
  });

  it('covers an official account’s ordinary calls, and not a mini program’s', async () => {
    const { access_token: token } = await caller.fetchLegacy();
    await wechat.alterAccount(APP_ID, { ipAllowList: ['203.0.113.9'] });
    expect(await caller.errcodeWith(token)).toBe(40164);

    await wechat.alterAccount(APP_ID, { kind: 'mini_program' });
    expect(await caller.errcodeWith(token)).toBe(0);
    expect((await caller.fetchLegacy()).errcode).toBe(40164);
  });

  it('takes 1.2.3.* for a mini program', async () => {
    await wechat.alterAccount(APP_ID, { kind: 'mini_program', ipAllowList: ['127.0.0.*'] });
    expect((await caller.fetchLegacy()).expires_in).toBe(7200);

    await wechat.alterAccount(APP_ID, { ipAllowList: ['127.0.1.*'] });
    expect((await caller.fetchLegacy()).errcode).toBe(40164);
  });

  it('allows everybody while it is empty', async () => {
    await wechat.alterAccount(APP_ID, { ipAllowList: [] });

    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
  });

  it.each([
    ['official_account', '127.0.0.*'],
    ['official_account', '127.0.0.1:80'],
    ['official_account', 'localhost'],
    ['mini_program', '127.0.0.1:80'],
    ['mini_program', '127.0.*.*'],
  ] as const)('of kind %s refuses the entry %s', async (kind, entry) => {
    const change = wechat.alterAccount(APP_ID, { kind, ipAllowList: [entry] });

    await expect(change).rejects.toMatchObject({ status: 400 });
    await expect(
      wechat.addAccount({ appId: 'wx1111111111111111', secret: 'x', kind, ipAllowList: [entry] }),
    ).rejects.toThrow(entry);
  });
});
