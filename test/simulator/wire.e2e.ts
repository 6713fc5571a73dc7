import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import { APP_ID, SECRET, WechatCaller, rawRequest } from './wechat-caller.js';

const STABLE_BODY = JSON.stringify({
  grant_type: 'client_credential',
  appid: APP_ID,
  secret: SECRET,
});

let wechat: Simulator;
let caller: WechatCaller;

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: SECRET }] });
  caller = new WechatCaller(wechat.url);
});

beforeEach(() => wechat.reset());

afterAll(() => wechat.close());

describe('what WeChat’s answers look like', () => {
  it.each([
    ['success', { secret: SECRET }],
    ['an error', { secret: 'wrong' }],
  ])('%s is HTTP 200 with its own way of naming the encoding', async (_, { secret }) => {
    const answer = await rawRequest(new WechatCaller(wechat.url, APP_ID, secret).tokenUrl());

    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; encoding=utf-8');
  });

  it('an errmsg ends in a rid whose first group is the time', async () => {
    await wechat.advance(86_400_000);
    const before = (await wechat.now()).getTime();
    const { errmsg } = await caller.fetchLegacy({ secret: 'wrong' });

    const [, seconds = ''] =
      /^invalid appsecret rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$/.exec(String(errmsg)) ?? [];
    const sinceMs = parseInt(seconds, 16) * 1_000 - before;
    expect(sinceMs).toBeGreaterThan(-1_000);
    expect(sinceMs).toBeLessThan(5_000);
  });

  it('every rid is another', async () => {
    const first = await caller.fetchLegacy({ secret: 'wrong' });
    const second = await caller.fetchLegacy({ secret: 'wrong' });

    expect(second.errmsg).not.toBe(first.errmsg);
  });

  it('a path that it does not know is 40066', async () => {
    expect((await caller.getJson('/cgi-bin/nothing')).errcode).toBe(40066);
    expect((await caller.getJson('/')).errcode).toBe(40066);
  });

  it('a parameter given twice counts once, with its first value', async () => {
    const answer = await rawRequest(`${caller.tokenUrl()}&secret=wrong`);

    expect(JSON.parse(answer.body)).toMatchObject({ expires_in: 7200 });
  });
});

describe('a chunked request body', () => {
  it.each(['/cgi-bin/stable_token', '/cgi-bin/message/custom/send'])(
    'is a bare 412 on %s',
    async (path) => {
      const answer = await rawRequest(
        wechat.url + path,
        { method: 'POST', headers: { 'transfer-encoding': 'chunked' } },
        STABLE_BODY,
      );

      expect(answer.status).toBe(412);
      expect(answer.body).toBe('');
      expect(await wechat.tokens(APP_ID)).toEqual([]);
      expect(await wechat.journal()).toMatchObject([{ path, status: 412, errcode: null }]);
    },
  );

  it('with a Content-Length in its place is taken', async () => {
    const answer = await rawRequest(
      `${wechat.url}/cgi-bin/stable_token`,
      { method: 'POST', headers: { 'content-length': Buffer.byteLength(STABLE_BODY) } },
      STABLE_BODY,
    );

    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ expires_in: 7200 });
  });

  it('leaves the connection usable', async () => {
    const { Agent } = await import('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const chunked = { method: 'POST', headers: { 'transfer-encoding': 'chunked' } };
    await rawRequest(`${wechat.url}/cgi-bin/stable_token`, { ...chunked, agent }, STABLE_BODY);

    expect((await rawRequest(caller.tokenUrl(), { agent })).status).toBe(200);
    agent.destroy();
  });
});
