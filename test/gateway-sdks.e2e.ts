import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeClient } from './support/clients.js';
import { Pair, type Mode } from './support/pair.js';
import { APP_ID } from './support/service.js';

/*
 * SDKs from npm as they are, with one address for everything, this service, and a client key in the place of the
 * AppSecret. They hold a handle and never a token, so that none has to do anything when a token dies.
 */

interface CoWechatApi {
  prefix: string;
  ensureAccessToken(): Promise<{ accessToken: string }>;
  sendText(openId: string, text: string): Promise<{ errcode: number }>;
  uploadMedia(file: string, type: string): Promise<{ media_id: string }>;
}

type Callback<Answer> = (error: Error | null, answer: Answer) => void;

interface WechatApi {
  endpoint: string;
  getLatestToken(callback: Callback<{ accessToken: string }>): void;
  sendText(openId: string, text: string, callback: Callback<{ errcode: number }>): void;
  uploadMedia(file: string, type: string, callback: Callback<{ media_id: string }>): void;
}

interface EasyWechatAnswer {
  toObject(): { errcode?: number; media_id?: string };
}

interface EasyWechat {
  getAccessToken(): { getToken(): Promise<string> };
  getClient(): { post(path: string, payload: object): Promise<EasyWechatAnswer> };
}

interface MiniProgram {
  /** It starts a timer. */
  readonly store: { destroy(): void };
  getSession(code: string): Promise<{ openid: string; session_key: string }>;
}

const require = createRequire(import.meta.url);
const CoWechat = require('co-wechat-api') as new (appId: string, secret: string) => CoWechatApi;
const Wechat = require('wechat-api') as new (appId: string, secret: string) => WechatApi;
const { OfficialAccount } = require('node-easywechat') as {
  OfficialAccount: new (config: object) => EasyWechat;
};
const { MiniProgram: JssdkMiniProgram } = require('wechat-jssdk') as {
  MiniProgram: new (options: object) => MiniProgram;
};

/** What each SDK is asked to do, whatever its own words for it. */
interface Sdk {
  token(): Promise<string>;
  send(): Promise<number | undefined>;
  /** @returns the media_id */
  upload(file: string): Promise<string | undefined>;
}

interface Place {
  readonly url: string;
  readonly key: string;
  readonly folder: string;
}

const SDKS: Record<string, (place: Place) => Sdk> = {
  'co-wechat-api': ({ url, key }) => {
    const api = new CoWechat(APP_ID, key);
    api.prefix = `${url}/cgi-bin/`;
    return {
      token: async () => (await api.ensureAccessToken()).accessToken,
      send: async () => (await api.sendText('openid', '你好')).errcode,
      upload: async (file) => (await api.uploadMedia(file, 'image')).media_id,
    };
  },
  'wechat-api': ({ url, key }) => {
    const api = new Wechat(APP_ID, key);
    api.endpoint = url;
    const token = promisify<{ accessToken: string }>((done) => {
      api.getLatestToken(done);
    });
    const send = promisify<{ errcode: number }>((done) => {
      api.sendText('openid', '你好', done);
    });
    const upload = promisify<string, { media_id: string }>((file, done) => {
      api.uploadMedia(file, 'image', done);
    });
    return {
      token: async () => (await token()).accessToken,
      send: async () => (await send()).errcode,
      upload: async (file) => (await upload(file)).media_id,
    };
  },
  'node-easywechat': ({ url, key, folder }) => {
    const app = new OfficialAccount({
      app_id: APP_ID,
      secret: key,
      http: { baseURL: `${url}/` },
      file_cache: { path: join(folder, 'cache') },
    });
    const post = async (
      path: string,
      payload: object,
    ): Promise<ReturnType<EasyWechatAnswer['toObject']>> =>
      (await app.getClient().post(path, payload)).toObject();
    const message = { touser: 'openid', msgtype: 'text', text: { content: '你好' } };
    return {
      token: () => app.getAccessToken().getToken(),
      send: async () => (await post('cgi-bin/message/custom/send', { json: message })).errcode,
      upload: async (file) => {
        const formData = { media: createReadStream(file) };
        const payload = { params: { type: 'image' }, formData };
        return (await post('cgi-bin/media/upload', payload)).media_id;
      },
    };
  },
};

const PICTURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0xff]);
const SEND = '/cgi-bin/message/custom/send';

let pair: Pair;
let folder: string;
let file: string;
let place: Place;

async function start(mode: Mode): Promise<void> {
  pair = await Pair.start({ mode });
  const client = {
    id: 'publisher',
    scopes: ['gateway' as const, 'login' as const],
    gateway: { allow: ['@drafts-and-media', `POST ${SEND}`] },
  };
  place = { url: pair.service.url, key: (await makeClient(pair.service, client)).key, folder };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wtc-sdks-'));
  file = join(folder, 'picture.png');
  writeFileSync(file, PICTURE);
});
afterEach(async () => {
  await pair.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(Object.keys(SDKS))('%s', (name) => {
  it.each<Mode>(['stable', 'legacy'])(
    'calls, uploads, and outlives a token that dies, in %s mode',
    async (mode) => {
      await start(mode);
      const sdk = SDKS[name]!(place);
      const handle = await sdk.token();
      expect(handle).toMatch(/^wtch_[\w-]+$/);
      expect(handle.length).toBeLessThanOrEqual(256);
      expect(await sdk.send()).toBe(0);

      const mediaId = await sdk.upload(file);
      expect(await download(mediaId!)).toEqual(PICTURE);

      const dead = await pair.token();
      await pair.wechat.killToken(dead);
      await pair.pass(6);
      expect(await sdk.send()).toBe(0);
      expect(await pair.token()).not.toBe(dead);
      // The handle is the one from before: the SDK has noticed nothing.
      expect(await sdk.token()).toBe(handle);
      expect(await pair.fetchCount()).toBe(2);
      expect(await pair.wechat.countCalls({ path: SEND, errcode: 0 })).toBe(2);
      expect(await pair.wechat.countCalls({ path: SEND, errcode: 40001 })).toBe(1);
    },
  );
});

describe('wechat-jssdk', () => {
  it('logs a user of a mini program in', async () => {
    await start('stable');
    const miniProgram = new JssdkMiniProgram({
      miniProgram: {
        appId: APP_ID,
        appSecret: place.key,
        GET_SESSION_KEY_URL: `${place.url}/sns/jscode2session`,
      },
      storeOptions: { fileStorePath: join(folder, 'wechat.json') },
    });

    try {
      expect(await miniProgram.getSession('code-1')).toMatchObject({
        openid: expect.any(String),
        session_key: expect.any(String),
      });
    } finally {
      miniProgram.store.destroy();
    }
    expect(await pair.wechat.countCalls({ path: '/sns/jscode2session', errcode: 0 })).toBe(1);
  });
});

/** What an upload left at WeChat, asked for without the gateway. */
async function download(mediaId: string): Promise<Buffer> {
  const query = `access_token=${await pair.token()}&media_id=${mediaId}`;
  const response = await fetch(`${pair.wechat.url}/cgi-bin/media/get?${query}`);
  return Buffer.from(await response.arrayBuffer());
}
