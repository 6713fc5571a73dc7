import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startSimulator } from '../support/simulator.js';
import type { JournalEntry, Simulator } from '../support/simulator.js';
import { APP_ID, SECRET, WechatCaller, rawRequest } from './wechat-caller.js';

const MIB = 1_048_576;
const PATH = '/wxa/business/getuserphonenumber';

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
  await wechat.clearJournal();
});

afterAll(() => wechat.close());

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function tagOf(credential: string): string {
  return `[${sha256(credential).slice(0, 12)}]`;
}

async function onlyEntry(): Promise<JournalEntry> {
  const [entry, ...more] = await wechat.untilCalls({ outcome: 'answered' });
  expect(more).toEqual([]);
  return entry!;
}

describe('a call that the simulator does not model', () => {
  it.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])(
    'is answered with %s and a live token',
    async (method) => {
      const answer = await rawRequest(`${wechat.url}${PATH}?access_token=${token}`, { method });

      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('application/json; encoding=utf-8');
      expect(JSON.parse(answer.body)).toEqual({ errcode: 0, errmsg: 'ok' });
      expect(await onlyEntry()).toMatchObject({ method, path: PATH, appId: APP_ID, errcode: 0 });
    },
  );

  it('tells what is wrong with the token', async () => {
    const errcodeWith = async (text: string): Promise<unknown> =>
      (await caller.postJson(`${PATH}?access_token=${text}`, {})).errcode;

    expect(await errcodeWith('')).toBe(41001);
    expect(await errcodeWith('nonsense')).toBe(40014);
    expect(await errcodeWith(`97_${'x'.repeat(133)}`)).toBe(40001);
    await wechat.killToken(token);
    expect(await errcodeWith(token)).toBe(40001);
    await wechat.advance(7_200_000);
    const late = String((await caller.fetchLegacy()).access_token);
    await wechat.advance(7_200_000);
    expect(await errcodeWith(late)).toBe(42001);
  });

  it('comes from an allowed address', async () => {
    await wechat.alterAccount(APP_ID, { ipAllowList: ['192.0.2.1'] });

    expect((await caller.postJson(`${PATH}?access_token=${token}`, {})).errcode).toBe(40164);
  });

  it.each(['/unknown', '/sns/unknown', '/cgi-bin', '//cgi-bin/menu/create'])(
    'is no call where WeChat has none: %s',
    async (path) => {
      const answer = await rawRequest(`${wechat.url}${path}?access_token=${token}`);

      expect(JSON.parse(answer.body)).toMatchObject({ errcode: 40066 });
    },
  );

  it('is a bare 412 with a chunked body', async () => {
    const chunked = { method: 'POST', headers: { 'transfer-encoding': 'chunked' } };
    const answer = await rawRequest(`${wechat.url}${PATH}?access_token=${token}`, chunked, '{}');

    expect([answer.status, answer.body]).toEqual([412, '']);
    expect(await onlyEntry()).toMatchObject({ status: 412, errcode: null, bodyBytes: 0 });
  });
});

describe('what the journal tells of it', () => {
  it.each([
    ['access_token=TOKEN', 'access_token=TAG'],
    [
      'a=1&access_token=TOKEN&a=&b&&a=%2f%2F+%20?x=1',
      'a=1&access_token=TAG&a=&b&&a=%2f%2F+%20?x=1',
    ],
    [
      'pay_sig=a%3d%3D&access_token=TOKEN&signature=%E4%BD%A0',
      'pay_sig=a%3d%3D&access_token=TAG&signature=%E4%BD%A0',
    ],
  ])('is the query %s as it came, save for the token', async (query, journaled) => {
    await rawRequest(`${wechat.url}${PATH}?${query.replace('TOKEN', token)}`);

    expect((await onlyEntry()).rawQuery).toBe(journaled.replace('TAG', tagOf(token)));
  });

  it('is the path as it came, long and encoded as it may be', async () => {
    const path = `/cgi-bin/${'x'.repeat(2_000)}/%E4%BD%A0+;a,b/`;
    await rawRequest(`${wechat.url}${path}?access_token=${token}`);

    expect(await onlyEntry()).toMatchObject({ path, errcode: 0 });
  });

  it('are the headers, with a tag for each credential', async () => {
    await rawRequest(`${wechat.url}${PATH}?access_token=${token}`, {
      headers: {
        host: 'api.weixin.qq.com',
        'content-type': 'nonsense',
        'user-agent': 'a program',
        'wechatmp-appid': APP_ID,
        authorization: 'Bearer key',
        'x-api-key': 'key',
        cookie: 'a=b',
        'x-other': token,
      },
    });

    expect((await onlyEntry()).headers).toEqual({
      host: 'api.weixin.qq.com',
      'content-type': 'nonsense',
      'user-agent': 'a program',
      'wechatmp-appid': APP_ID,
      authorization: tagOf('Bearer key'),
      'x-api-key': tagOf('key'),
      cookie: tagOf('a=b'),
      'x-other': tagOf(token),
      connection: 'close',
    });
  });

  it.each([
    ['GET', '{"a":1}', 'application/json'],
    ['POST', '{"a":1}', 'application/json'],
    ['POST', 'a=1', 'application/x-www-form-urlencoded'],
    ['PUT', '<xml/>', 'nonsense'],
    ['DELETE', 'bytes', undefined],
    ['POST', '你好', 'multipart/form-data'],
  ])('is the body of a %s %s by length and SHA-256', async (method, body, contentType) => {
    const headers = {
      'content-length': Buffer.byteLength(body),
      ...(contentType !== undefined && { 'content-type': contentType }),
    };
    await rawRequest(`${wechat.url}${PATH}?access_token=${token}`, { method, headers }, body);

    expect(await onlyEntry()).toMatchObject({
      errcode: 0,
      bodyBytes: Buffer.byteLength(body),
      bodySha256: sha256(body),
    });
  });

  it('is no hash where no body came', async () => {
    await rawRequest(`${wechat.url}${PATH}?access_token=${token}`, { method: 'POST' });

    expect(await onlyEntry()).toMatchObject({ bodyBytes: 0, bodySha256: null });
  });

  it('is how much of a body came before its sender left', async () => {
    const request = http.request(`${wechat.url}${PATH}?access_token=${token}`, {
      method: 'POST',
      headers: { 'content-length': 100 },
    });
    request.on('error', () => undefined);
    request.write('ten bytes.');
    await wechat.untilCalls({ outcome: 'in_flight' });
    request.destroy();

    const [entry] = await wechat.untilCalls({ outcome: 'client_left' });
    expect(entry).toMatchObject({ bodySha256: null, status: null, errcode: null });
  });
});

describe('a large body', () => {
  it('is read in constant memory', async () => {
    const part = Buffer.alloc(MIB, 'y');
    const hash = createHash('sha256');
    const before = process.memoryUsage();
    let highest = 0;
    function* parts(): Generator<Buffer> {
      for (let count = 0; count < 200; count += 1) {
        hash.update(part);
        highest = Math.max(highest, process.memoryUsage().arrayBuffers);
        yield part;
      }
    }
    const request = http.request(`${wechat.url}${PATH}?access_token=${token}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-length': 200 * MIB },
    });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      request.once('error', reject);
      request.once('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
    });
    await pipeline(Readable.from(parts()), request);

    expect(await answered).toBe(200);
    expect(await onlyEntry()).toMatchObject({
      errcode: 0,
      bodyBytes: 200 * MIB,
      bodySha256: hash.digest('hex'),
    });
    // Of both ends, since they share this process: buffers of sockets, not the body.
    expect(highest - before.arrayBuffers).toBeLessThan(80 * MIB);
  });

  it('is 45002 where the call would have to understand it', async () => {
    const body = `{"padding":"${'x'.repeat(2 * MIB)}"}`;
    const path = `/cgi-bin/message/custom/send?access_token=${token}`;

    expect((await caller.postJson(path, body)).errcode).toBe(45002);
    expect(await onlyEntry()).toMatchObject({ bodyBytes: body.length, bodySha256: sha256(body) });
  });
});
