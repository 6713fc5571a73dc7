import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import { APP_ID, SECRET, WechatCaller, rawRequest, type Json } from './wechat-caller.js';

const MIB = 1_048_576;
const UPLOAD = '/cgi-bin/media/upload';
const PICTURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0xff]);

interface CoWechatApi {
  prefix: string;
  uploadMedia(file: string, type: string): Promise<{ media_id: string }>;
  getMedia(mediaId: string): Promise<Buffer>;
}
const require = createRequire(import.meta.url);
const CoWechat = require('co-wechat-api') as new (appId: string, secret: string) => CoWechatApi;

let wechat: Simulator;
let caller: WechatCaller;
let token: string;

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: SECRET }] });
  caller = new WechatCaller(wechat.url);
});

beforeEach(async () => {
  await wechat.reset();
  token = String((await caller.fetchLegacy()).access_token);
});

afterAll(() => wechat.close());

function post(path: string, body: unknown): Promise<Json> {
  return caller.postJson(`${path}?access_token=${token}`, body);
}

async function upload(path: string, type: string, form: FormData): Promise<Json> {
  // A Blob has a length; a form as it is would be sent chunked.
  const blob = await new Response(form).blob();
  const response = await fetch(`${wechat.url}${path}?access_token=${token}&type=${type}`, {
    method: 'POST',
    body: blob,
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Json;
}

function picture(field = 'media'): FormData {
  const form = new FormData();
  form.append('description', '{"title":"t"}');
  form.append(field, new File([PICTURE], 'picture.png', { type: 'image/png' }));
  return form;
}

describe('drafts', () => {
  const article = { title: '标题', content: '<p>text</p>', thumb_media_id: 'id' };

  it('are added, shown, listed and deleted', async () => {
    const { media_id: first } = await post('/cgi-bin/draft/add', { articles: [article] });
    await wechat.advance(1_000);
    const { media_id: second } = await post('/cgi-bin/draft/add', { articles: [article, article] });

    expect(await post('/cgi-bin/draft/get', { media_id: first })).toEqual({
      news_item: [article],
      create_time: expect.any(Number),
      update_time: expect.any(Number),
    });
    expect(await post('/cgi-bin/draft/batchget', { offset: 0, count: 1 })).toMatchObject({
      total_count: 2,
      item_count: 1,
      item: [{ media_id: second, content: { news_item: [article, article] } }],
    });
    expect(
      await post('/cgi-bin/draft/batchget', { offset: 1, count: 20, no_content: 1 }),
    ).toMatchObject({ item: [{ media_id: first, content: {} }] });
    expect(await post('/cgi-bin/draft/delete', { media_id: first })).toEqual({
      errcode: 0,
      errmsg: 'ok',
    });
    expect((await post('/cgi-bin/draft/get', { media_id: first })).errcode).toBe(40007);
    expect((await post('/cgi-bin/draft/delete', { media_id: first })).errcode).toBe(40007);
  });

  it.each([
    ['/cgi-bin/draft/add', '', 44002],
    ['/cgi-bin/draft/add', '{', 47001],
    ['/cgi-bin/draft/add', { articles: [] }, 47001],
    ['/cgi-bin/draft/add', { articles: ['text'] }, 47001],
    ['/cgi-bin/draft/get', {}, 47001],
    ['/cgi-bin/draft/batchget', { offset: 0, count: 21 }, 47001],
  ])('%s refuses %j', async (path, body, errcode) => {
    expect((await post(path, body)).errcode).toBe(errcode);
  });
});

describe('media', () => {
  it('come back byte for byte, with their type and a name', async () => {
    const uploaded = await upload(UPLOAD, 'image', picture());
    expect(uploaded).toEqual({
      type: 'image',
      media_id: expect.stringMatching(/^[\w-]{64}$/),
      created_at: expect.any(Number),
    });
    const id = String(uploaded.media_id);
    const response = await fetch(
      `${wechat.url}/cgi-bin/media/get?access_token=${token}&media_id=${id}`,
    );

    expect(Buffer.from(await response.arrayBuffer())).toEqual(PICTURE);
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${id}.png"`);
    expect(await wechat.journal({ path: '/cgi-bin/media/get' })).toMatchObject([
      { errcode: 0, status: 200 },
    ]);
  });

  it('with a wrong id are a JSON error with HTTP 200', async () => {
    const url = `${wechat.url}/cgi-bin/media/get?access_token=${token}&media_id=nonsense`;
    const answer = await rawRequest(url);

    expect([answer.status, answer.headers['content-type']]).toEqual([
      200,
      'application/json; encoding=utf-8',
    ]);
    expect(JSON.parse(answer.body)).toMatchObject({ errcode: 40007 });
  });

  it('of the type thumb have an id of another name', async () => {
    expect(await upload(UPLOAD, 'thumb', picture())).toMatchObject({
      type: 'thumb',
      thumb_media_id: expect.any(String),
    });
  });

  it('may be permanent, with an address for a picture', async () => {
    const path = '/cgi-bin/material/add_material';

    expect(await upload(path, 'image', picture())).toEqual({
      media_id: expect.any(String),
      url: expect.stringMatching(/^http:/),
    });
    expect(await upload(path, 'video', picture())).toEqual({ media_id: expect.any(String) });
  });

  it('are refused without a type, a file or multipart', async () => {
    const text = new FormData();
    text.append('media', 'text');

    expect((await upload(UPLOAD, 'other', picture())).errcode).toBe(40004);
    expect((await upload(UPLOAD, 'image', picture('file'))).errcode).toBe(41005);
    expect((await upload(UPLOAD, 'image', text)).errcode).toBe(41005);
    const answer = await caller.postJson(`${UPLOAD}?access_token=${token}&type=image`, {});
    expect(answer.errcode).toBe(41005);
  });

  it('are refused past 10 MiB, read in constant memory all the same', async () => {
    const form = new FormData();
    form.append('media', new File([Buffer.alloc(11 * MIB)], 'a.mp4', { type: 'video/mp4' }));

    expect((await upload(UPLOAD, 'video', form)).errcode).toBe(45001);
  });

  it('of 10 MiB are taken, the oldest forgotten when they are too many', async () => {
    const large = (): FormData => {
      const form = new FormData();
      form.append('media', new File([Buffer.alloc(10 * MIB)], 'a.mp4', { type: 'video/mp4' }));
      return form;
    };
    const ids: unknown[] = [];
    for (let count = 0; count < 4; count += 1) {
      ids.push((await upload(UPLOAD, 'video', large())).media_id);
    }
    const sizeOf = async (id: unknown): Promise<number> => {
      const query = `access_token=${token}&media_id=${String(id)}`;
      const response = await fetch(`${wechat.url}/cgi-bin/media/get?${query}`);
      return (await response.arrayBuffer()).byteLength;
    };

    expect(await sizeOf(ids[3])).toBe(10 * MIB);
    expect(await sizeOf(ids[0])).toBeLessThan(200);
  });

  it('go up and down with an SDK as it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'media-'));
    try {
      const file = join(folder, 'picture.png');
      writeFileSync(file, PICTURE);
      const api = new CoWechat(APP_ID, SECRET);
      api.prefix = `${wechat.url}/cgi-bin/`;
      const { media_id: id } = await api.uploadMedia(file, 'image');

      expect(await api.getMedia(id)).toEqual(PICTURE);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('are spoilt by a fault like any answer', async () => {
    const { media_id: id } = await upload(UPLOAD, 'image', picture());
    await wechat.fault({ path: '/cgi-bin/media/get', kind: 'truncated' });
    const answer = await rawRequest(
      `${wechat.url}/cgi-bin/media/get?access_token=${token}&media_id=${String(id)}`,
    );

    expect(answer.headers).toMatchObject({ 'content-type': 'image/png', 'content-length': '10' });
    expect(answer.isComplete).toBe(false);
  });
});

describe('POST /cgi-bin/message/subscribe/send', () => {
  it.each([
    ['a user', { touser: 'OPENID', template_id: 't', data: {} }, 0],
    ['a user who did not subscribe', { touser: 'not-subscribed', template_id: 't' }, 43101],
    ['nobody', { template_id: 't' }, 40003],
    ['a user without a template', { touser: 'OPENID' }, 40037],
    ['nothing', '', 44002],
    ['broken JSON', '{', 47001],
  ])('to %s', async (_, body, errcode) => {
    expect((await post('/cgi-bin/message/subscribe/send', body)).errcode).toBe(errcode);
  });
});

describe('mini program codes', () => {
  it.each([
    ['/wxa/getwxacode', { path: 'pages/index?a=1' }],
    ['/wxa/getwxacodeunlimit', { scene: 'a=1', page: 'pages/index' }],
  ])('%s answers a picture', async (path, body) => {
    const response = await fetch(`${wechat.url}${path}?access_token=${token}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });

    expect(response.headers.get('content-type')).toBe('image/png');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  });

  it.each([
    ['/wxa/getwxacode', {}, 40159],
    ['/wxa/getwxacode', { path: 'x'.repeat(1_025) }, 40159],
    ['/wxa/getwxacodeunlimit', { scene: 'x'.repeat(33) }, 40169],
    ['/wxa/getwxacodeunlimit', '', 40169],
  ])('%s answers an error in JSON', async (path, body, errcode) => {
    expect((await post(path, body)).errcode).toBe(errcode);
  });
});
