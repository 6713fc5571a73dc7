import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import {
  APP_ID,
  OTHER_APP_ID,
  OTHER_SECRET,
  SECRET,
  WechatCaller,
  type Json,
} from './wechat-caller.js';

const SESSION = '/sns/jscode2session';
const USER_TOKEN = '/sns/oauth2/access_token';

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

function login(path: string, code: string, overrides: Record<string, string> = {}): Promise<Json> {
  return caller.getJson(path, {
    appid: APP_ID,
    secret: SECRET,
    [path === SESSION ? 'js_code' : 'code']: code,
    grant_type: 'authorization_code',
    ...overrides,
  });
}

describe('GET /sns/jscode2session', () => {
  it('makes a session of a code, without an errcode', async () => {
    expect(await login(SESSION, 'code-1')).toEqual({
      openid: expect.stringMatching(/^o[\w-]{27}$/),
      unionid: expect.stringMatching(/^o[\w-]{27}$/),
      session_key: expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/),
    });
  });

  it('has another user for another code', async () => {
    const first = await login(SESSION, 'code-1');

    expect((await login(SESSION, 'code-2')).openid).not.toBe(first.openid);
  });

  it('leaves neither the AppSecret nor a session key in the journal', async () => {
    const { session_key: sessionKey } = await login(SESSION, 'code-1');

    expect(await wechat.journal()).toMatchObject([{ appId: APP_ID, errcode: 0, path: SESSION }]);
    const journal = JSON.stringify(await wechat.journal());
    expect(journal).not.toContain(SECRET);
    expect(journal).not.toContain(sessionKey);
  });
});

describe.each([SESSION, USER_TOKEN])('GET %s', (path) => {
  it.each([
    [{ appid: '' }, 41002],
    [{ appid: 'wx0000000000000000' }, 40013],
    [{ grant_type: 'client_credential' }, 40002],
    [{ secret: '' }, 41004],
    [{ secret: 'wrong' }, 40125],
    [{ secret: OTHER_SECRET }, 40125],
    [{ code: '', js_code: '' }, 41008],
    [{ code: 'invalid-code', js_code: 'invalid-code' }, 40029],
  ])('with %j is refused', async (overrides: Record<string, string>, errcode) => {
    expect((await login(path, 'code-1', overrides)).errcode).toBe(errcode);
    // It took no code away.
    expect((await login(path, 'code-1')).errcode).toBeUndefined();
  });

  it('takes a code once, for each account', async () => {
    await login(path, 'code-1');
    const others = { appid: OTHER_APP_ID, secret: OTHER_SECRET };

    expect((await login(path, 'code-1')).errcode).toBe(40163);
    expect((await login(path, 'code-1', others)).errcode).toBeUndefined();
  });

  it('wants GET', async () => {
    expect((await caller.postJson(path, {})).errcode).toBe(43001);
  });

  it('is refused from an address that is not on the list', async () => {
    await wechat.alterAccount(APP_ID, { ipAllowList: ['192.0.2.1'] });

    expect((await login(path, 'code-1')).errcode).toBe(40164);
  });
});

describe('a user’s own token', () => {
  it('tells who the user is', async () => {
    const token = await login(USER_TOKEN, 'code-1');
    expect(token).toEqual({
      access_token: expect.any(String),
      expires_in: 7200,
      refresh_token: expect.any(String),
      openid: expect.any(String),
      unionid: expect.any(String),
      scope: 'snsapi_userinfo',
    });
    const query = {
      access_token: String(token.access_token),
      openid: String(token.openid),
      lang: 'zh_CN',
    };

    expect(await caller.getJson('/sns/userinfo', query)).toMatchObject({
      openid: token.openid,
      unionid: token.unionid,
      nickname: '用户',
    });
    expect(await caller.getJson('/sns/auth', query)).toEqual({ errcode: 0, errmsg: 'ok' });
    expect(await wechat.journal({ path: '/sns/userinfo' })).toMatchObject([{ appId: APP_ID }]);
    expect(JSON.stringify(await wechat.journal())).not.toContain(token.access_token);
  });

  it('is refreshed without the AppSecret', async () => {
    const token = await login(USER_TOKEN, 'code-1');
    const refresh = (text: unknown): Promise<Json> =>
      caller.getJson('/sns/oauth2/refresh_token', {
        appid: APP_ID,
        grant_type: 'refresh_token',
        refresh_token: String(text),
      });
    const refreshed = await refresh(token.refresh_token);

    expect(refreshed).toMatchObject({ openid: token.openid, refresh_token: token.refresh_token });
    expect(refreshed.access_token).not.toBe(token.access_token);
    expect((await refresh('nonsense')).errcode).toBe(40030);
  });

  it('is no token of the account, nor the other way round', async () => {
    const { access_token: own, openid } = await login(USER_TOKEN, 'code-1');
    const { access_token: accounts } = await caller.fetchLegacy();
    const query = { access_token: String(accounts), openid: String(openid) };

    expect(await caller.errcodeWith(own)).toBe(40001);
    expect((await caller.getJson('/sns/userinfo', query)).errcode).toBe(40001);
  });

  it('is refused when it is missing, another user’s or expired', async () => {
    const { access_token: own, openid } = await login(USER_TOKEN, 'code-1');
    const errcodeWith = async (token: unknown, user: unknown): Promise<unknown> => {
      const query = { access_token: String(token), openid: String(user) };
      return (await caller.getJson('/sns/userinfo', query)).errcode;
    };

    expect(await errcodeWith('', openid)).toBe(41001);
    expect(await errcodeWith(own, 'another')).toBe(40003);
    await wechat.advance(7_200_000);
    expect(await errcodeWith(own, openid)).toBe(42001);
  });
});
