import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Pair, type Mode } from './support/pair.js';
import { APP_ID, APP_SECRET, CLIENT_KEY } from './support/service.js';
import { startSplittingProxy, type SplittingProxy } from './support/splitting-proxy.js';

/*
 * SDKs from npm as they are, pointed by their own settings (docs/sdks.md) at a proxy that sends the paths of
 * the token to the service and all others to WeChat. They hold a client key where the AppSecret was.
 */

/** What the tests use of co-wechat-api. */
interface CoWechatApi {
  prefix: string;
  ensureAccessToken(): Promise<{ accessToken: string; expireTime: number }>;
  sendText(openId: string, text: string): Promise<{ errcode: number }>;
  getIp(): Promise<{ ip_list: string[] }>;
}
type CoWechatApiClass = new (appId: string, secret: string) => CoWechatApi;

const require = createRequire(import.meta.url);
const CoWechat = require('co-wechat-api') as CoWechatApiClass;

const run = promisify(execFile);
const PAGE = 'https://www.example.com/page?id=1';
const TICKET_PATH = '/cgi-bin/ticket/getticket';

let pair: Pair;
let proxy: SplittingProxy;

async function start(mode: Mode): Promise<void> {
  pair = await Pair.start({ mode });
  proxy = await startSplittingProxy(pair.service.url, pair.wechat.url);
}

function coWechat(secret = CLIENT_KEY): CoWechatApi {
  const api = new CoWechat(APP_ID, secret);
  api.prefix = `${proxy.url}/cgi-bin/`;
  return api;
}

afterEach(async () => {
  await proxy.close();
  await pair.close();
});

describe.each<Mode>(['stable', 'legacy'])('co-wechat-api on an account in %s mode', (mode) => {
  beforeEach(() => start(mode));

  it('gets its token here and uses it at WeChat', async () => {
    const api = coWechat();
    expect((await api.sendText('openid', 'hello')).errcode).toBe(0);
    expect((await api.ensureAccessToken()).accessToken).toBe(await pair.token());
    expect((await api.getIp()).ip_list.length).toBeGreaterThan(0);
    expect((await api.sendText('openid', 'again')).errcode).toBe(0);
    // The token once, the IP list once.
    expect(proxy.oursCount()).toBe(2);
    expect(await pair.fetchCount()).toBe(1);
  });

  it('comes back by itself after its token died and somebody reported it', async () => {
    const api = coWechat();
    await api.sendText('openid', 'hello');
    const dead = await pair.token();
    await pair.wechat.killToken(dead);
    await pair.pass(6);
    expect((await pair.service.report({ access_token: dead })).body.outcome).toBe('refreshed');
    expect((await api.sendText('openid', 'again')).errcode).toBe(0);
    expect((await api.ensureAccessToken()).accessToken).toBe(await pair.token());
    expect(await pair.fetchCount()).toBe(2);
  });

  it('comes back by itself where nobody else noticed: its asking again has the token tried', async () => {
    const api = coWechat();
    await api.sendText('openid', 'hello');
    await pair.pass(60);
    await pair.wechat.killToken(await pair.token());
    expect((await api.sendText('openid', 'again')).errcode).toBe(0);
    expect([await pair.probeCount(), await pair.fetchCount()]).toEqual([1, 2]);
  });

  it('twenty that start at once cause one probe, and no fetch', async () => {
    await pair.pass(600);
    const calls = await pair.wechat.countCalls();
    const tokens = await Promise.all(
      Array.from({ length: 20 }, async () => (await coWechat().ensureAccessToken()).accessToken),
    );
    expect(proxy.oursCount()).toBe(20);
    expect([await pair.wechat.countCalls(), await pair.probeCount()]).toEqual([calls + 1, 1]);
    expect(new Set(tokens)).toEqual(new Set([await pair.token()]));
  });

  it('is told what is wrong with its key', async () => {
    await expect(coWechat(APP_SECRET).sendText('openid', 'hello')).rejects.toMatchObject({
      code: 40125,
      message: expect.stringMatching(/^invalid appsecret: secret must hold a client key/),
    });
  });
});

describe('wechat-jssdk', () => {
  beforeEach(() => start('stable'));

  it('gets its token here, and signs pages with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wtc-jssdk-'));
    try {
      const options = {
        appId: APP_ID,
        appSecret: CLIENT_KEY,
        wechatRedirectUrl: 'https://www.example.com/oauth',
        accessTokenUrl: `${proxy.url}/cgi-bin/token`,
        ticketUrl: `${proxy.url}${TICKET_PATH}`,
        apiUrl: proxy.url,
        storeOptions: { fileStorePath: join(folder, 'wechat.json') },
      };
      const { stdout } = await run(process.execPath, [
        resolve('test/support/wechat-jssdk-client.mjs'),
        JSON.stringify(options),
        `${PAGE}#fragment`,
      ]);
      const { first, second, accessToken, ticket } = JSON.parse(stdout) as {
        first: Record<'appId' | 'timestamp' | 'nonceStr' | 'signature' | 'url', string>;
        second: object;
        accessToken: string;
        ticket: string;
      };
      expect(accessToken).toBe(await pair.token());
      expect(await pair.accepts(accessToken)).toBe(true);
      expect(ticket).toBe((await pair.wechat.tickets(APP_ID))[0]?.ticket);
      expect(second).toEqual(first);
      const signed = `jsapi_ticket=${ticket}&noncestr=${first.nonceStr}&timestamp=${first.timestamp}&url=${PAGE}`;
      expect(first).toMatchObject({
        appId: APP_ID,
        url: PAGE,
        signature: createHash('sha1').update(signed).digest('hex'),
      });
      expect(await pair.fetchCount()).toBe(1);
      expect(await pair.wechat.countCalls({ path: TICKET_PATH })).toBe(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
