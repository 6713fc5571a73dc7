import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { startSimulator } from '../support/simulator.js';
import type { NewFault, Simulator } from '../support/simulator.js';
import {
  APP_ID,
  OTHER_APP_ID,
  OTHER_SECRET,
  SECRET,
  WechatCaller,
  rawRequest,
} from './wechat-caller.js';

const TOKEN = '/cgi-bin/token';
const SEND = '/cgi-bin/message/custom/send';
const MIB = 1_048_576;

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

async function mintedCount(): Promise<number> {
  return (await wechat.tokens(APP_ID)).length;
}

describe('which calls a fault strikes', () => {
  it('the next one of its path, once, unless told otherwise', async () => {
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: -1 });

    expect((await caller.fetchStable()).expires_in).toBe(7200);
    expect((await caller.fetchLegacy()).errcode).toBe(-1);
    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
    expect(await wechat.faults()).toEqual([]);
  });

  it('so many as `times` says', async () => {
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: 40164, times: 2 });

    expect((await caller.fetchLegacy()).errcode).toBe(40164);
    expect(await wechat.faults()).toMatchObject([{ kind: 'errcode', times: 2, struck: 1 }]);
    expect((await caller.fetchLegacy()).errcode).toBe(40164);
    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
  });

  it('all of them with `always`, until it is cleared', async () => {
    const { id } = await wechat.fault({
      path: TOKEN,
      kind: 'errcode',
      errcode: -1,
      times: 'always',
    });
    for (let call = 0; call < 5; call += 1) {
      expect((await caller.fetchLegacy()).errcode).toBe(-1);
    }

    await wechat.clearFault(id);
    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
    await expect(wechat.clearFault(id)).rejects.toMatchObject({ status: 404 });
  });

  it('those of one account, by its AppID or by a token of its own', async () => {
    const other = new WechatCaller(wechat.url, OTHER_APP_ID, OTHER_SECRET);
    const { access_token: mine } = await caller.fetchLegacy();
    const { access_token: others } = await other.fetchLegacy();
    for (const path of [TOKEN, '/cgi-bin/stable_token', '/cgi-bin/getcallbackip']) {
      await wechat.fault({ path, kind: 'errcode', errcode: -1, appId: OTHER_APP_ID });
    }

    expect((await caller.fetchLegacy()).errcode).toBeUndefined();
    expect((await other.fetchLegacy()).errcode).toBe(-1);
    expect((await caller.fetchStable()).errcode).toBeUndefined();
    expect((await other.fetchStable()).errcode).toBe(-1);
    expect(await caller.errcodeWith(mine)).toBe(0);
    expect(await other.errcodeWith(others)).toBe(-1);
  });

  it('in the order in which they were set', async () => {
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: -1 });
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: 40164 });

    expect((await caller.fetchLegacy()).errcode).toBe(-1);
    expect((await caller.fetchLegacy()).errcode).toBe(40164);
  });

  it('before anything judges the call', async () => {
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: -1 });
    await wechat.fault({ path: '/cgi-bin/getcallbackip', kind: 'errcode', errcode: 45009 });

    expect((await caller.fetchLegacy({ appid: '' })).errcode).toBe(-1);
    expect(await caller.errcodeWith('no token at all')).toBe(45009);
  });

  it('none any more once they are cleared, of one path or of all', async () => {
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: -1 });
    await wechat.fault({ path: '/cgi-bin/stable_token', kind: 'errcode', errcode: -1 });

    await wechat.clearFaults(TOKEN);
    expect((await caller.fetchLegacy()).errcode).toBeUndefined();
    await wechat.clearFaults();
    expect((await caller.fetchStable()).errcode).toBeUndefined();
  });
});

describe('a fault that answers in WeChat’s place', () => {
  it('errcode: with WeChat’s words and a rid, or with words of one’s own', async () => {
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: 50004 });
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: 1, errmsg: 'as it is' });

    expect((await caller.fetchLegacy()).errmsg).toMatch(
      /^user not allow to use accesstoken, maybe for punishment rid: [0-9a-f-]{26}$/,
    );
    expect(await caller.fetchLegacy()).toEqual({ errcode: 1, errmsg: 'as it is' });
  });

  it('errcode: with the address or the advice that WeChat puts into some', async () => {
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: 40164 });
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: 45009 });

    expect((await caller.fetchLegacy()).errmsg).toMatch(
      /^invalid ip 127\.0\.0\.1 ipv6 ::ffff:127\.0\.0\.1, not in whitelist rid: /,
    );
    expect((await caller.fetchLegacy()).errmsg).toContain('by getStableAccessToken');
  });

  it('status: any HTTP status with any body', async () => {
    await wechat.fault({
      path: TOKEN,
      kind: 'status',
      status: 503,
      body: 'busy',
      contentType: 'text/plain',
    });
    await wechat.fault({ path: TOKEN, kind: 'status', status: 502 });

    const first = await rawRequest(caller.tokenUrl());
    expect([first.status, first.headers['content-type'], first.body]).toEqual([
      503,
      'text/plain',
      'busy',
    ]);
    const second = await rawRequest(caller.tokenUrl());
    expect([second.status, second.body]).toEqual([502, '']);
  });

  it('status: so that a path which the simulator does not know answers', async () => {
    const body = '{"errcode":0,"errmsg":"ok"}';
    const path = '/cgi-bin/menu/get';
    await wechat.fault({ path, kind: 'status', status: 200, body, times: 'always' });

    expect(await caller.getJson(path)).toEqual({ errcode: 0, errmsg: 'ok' });
  });

  it('html: a page with HTTP 200', async () => {
    await wechat.fault({ path: TOKEN, kind: 'html' });
    const answer = await rawRequest(caller.tokenUrl());

    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toMatch(/^<html>/);
  });

  it('redirect: to a path of its own, so that the journal shows who follows', async () => {
    await wechat.fault({ path: TOKEN, kind: 'redirect' });
    const answer = await rawRequest(caller.tokenUrl());
    expect([answer.status, answer.headers.location]).toEqual([302, '/redirected']);
    expect(await wechat.countCalls({ path: '/redirected' })).toBe(0);

    await wechat.fault({ path: TOKEN, kind: 'redirect', status: 307 });
    await fetch(caller.tokenUrl());
    expect(await wechat.countCalls({ path: '/redirected' })).toBe(1);
  });

  it.each<NewFault>([
    { path: TOKEN, kind: 'errcode', errcode: -1 },
    { path: TOKEN, kind: 'status', status: 500 },
    { path: TOKEN, kind: 'html' },
    { path: TOKEN, kind: 'redirect' },
  ])('mints nothing, or a token with after_effect: $kind', async (fault) => {
    await wechat.fault(fault);
    await rawRequest(caller.tokenUrl());
    expect(await mintedCount()).toBe(0);

    await wechat.fault({ ...fault, afterEffect: true } as NewFault);
    const answer = await rawRequest(caller.tokenUrl());
    expect(await mintedCount()).toBe(1);
    expect(answer.body).not.toContain('access_token');
  });
});

describe('a fault that scripts the answer', () => {
  it('answer: with any status, headers and text', async () => {
    await wechat.fault({
      path: TOKEN,
      kind: 'answer',
      status: 203,
      headers: {
        'set-cookie': ['a=b', 'c=d'],
        location: 'https://example.com/',
        'content-disposition': 'attachment; filename="a.png"',
        'Content-Type': 'text/plain',
      },
      body: 'as it is',
    });
    const answer = await rawRequest(caller.tokenUrl());

    expect([answer.status, answer.body]).toEqual([203, 'as it is']);
    expect(answer.headers).toMatchObject({
      'set-cookie': ['a=b', 'c=d'],
      location: 'https://example.com/',
      'content-disposition': 'attachment; filename="a.png"',
      'content-type': 'text/plain',
      'content-length': '8',
    });
    expect(await mintedCount()).toBe(0);
    expect(await wechat.untilCalls({ outcome: 'answered' })).toMatchObject([
      { status: 203, errcode: null, fault: 'answer' },
    ]);
  });

  it('answer: with WeChat’s Content-Type and an empty body unless told', async () => {
    await wechat.fault({ path: TOKEN, kind: 'answer' });
    const answer = await rawRequest(caller.tokenUrl());

    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; encoding=utf-8',
      'content-length': '0',
    });
  });

  it('answer: with bytes', async () => {
    const packed = gzipSync('{"errcode":0}');
    await wechat.fault({
      path: TOKEN,
      kind: 'answer',
      headers: { 'content-encoding': 'gzip' },
      bodyBase64: packed.toString('base64'),
    });

    expect(await (await fetch(caller.tokenUrl())).json()).toEqual({ errcode: 0 });
  });

  it('answer: chunked, without a Content-Length', async () => {
    await wechat.fault({ path: TOKEN, kind: 'answer', body: 'text', announcedBytes: 'none' });
    const answer = await rawRequest(caller.tokenUrl());

    expect(answer.headers['content-length']).toBeUndefined();
    expect(answer.headers['transfer-encoding']).toBe('chunked');
    expect([answer.body, answer.isComplete]).toEqual(['text', true]);
  });

  it('answer: that is longer than announced', async () => {
    await wechat.fault({ path: TOKEN, kind: 'answer', body: 'text', announcedBytes: 3 });
    const { hostname, port } = new URL(wechat.url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${TOKEN} HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n\r\n`);

    expect(await text(socket)).toMatch(/\r\ncontent-length: 3\r\n[^]*\r\n\r\ntext$/);
  });

  it('answer: that is shorter than announced', async () => {
    await wechat.fault({ path: TOKEN, kind: 'answer', body: 'text', announcedBytes: 5 });
    const answer = await rawRequest(caller.tokenUrl());

    expect([answer.body, answer.headers['content-length']]).toEqual(['text', '5']);
    expect(answer.isComplete).toBe(false);
  });

  it.each<[string, number | 'none']>([
    ['with a Content-Length', 4],
    ['chunked', 'none'],
  ])('answer: that is cut within the body, %s', async (_, announcedBytes) => {
    await wechat.fault({
      path: TOKEN,
      kind: 'answer',
      body: 'text',
      announcedBytes,
      cutAfterBytes: 2,
    });
    const answer = await rawRequest(caller.tokenUrl());

    expect([answer.body, answer.isComplete]).toEqual(['te', false]);
    expect(await wechat.untilCalls({ outcome: 'cut' })).toMatchObject([{ status: 200 }]);
  });

  it('answer: that is cut after the headers', async () => {
    await wechat.fault({ path: TOKEN, kind: 'answer', body: 'text', cutAfterBytes: 0 });
    const answer = await rawRequest(caller.tokenUrl());

    expect([answer.status, answer.body, answer.isComplete]).toEqual([200, '', false]);
  });

  it('answer: that pauses within the body', async () => {
    await wechat.fault({
      path: TOKEN,
      kind: 'answer',
      body: 'text',
      pauseAfterBytes: 2,
      pauseMs: 100,
    });
    const startedAt = performance.now();
    const answer = await rawRequest(caller.tokenUrl());

    expect(answer.body).toBe('text');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(99);
  });

  it('answer: whose pause ends when its reader goes', async () => {
    await wechat.fault({
      path: TOKEN,
      kind: 'answer',
      fillerBytes: 10,
      pauseAfterBytes: 0,
      pauseMs: 600_000,
    });
    const response = await fetch(caller.tokenUrl());
    await response.body!.cancel();

    expect(await wechat.untilCalls({ outcome: 'client_left' })).toHaveLength(1);
  });

  it('answer: of any size, as fast as it is read', async () => {
    const size = 200 * MIB;
    await wechat.fault({ path: TOKEN, kind: 'answer', fillerBytes: size });
    const before = process.memoryUsage().arrayBuffers;
    const response = await fetch(caller.tokenUrl());
    let length = 0;
    let highest = 0;
    for await (const part of response.body!) {
      length += (part as Uint8Array).length;
      highest = Math.max(highest, process.memoryUsage().arrayBuffers);
    }

    expect(response.headers.get('content-length')).toBe(String(size));
    expect(length).toBe(size);
    expect(highest - before).toBeLessThan(80 * MIB);
  });

  it('answer: after the effect', async () => {
    await wechat.fault({ path: TOKEN, kind: 'answer', body: 'late', afterEffect: true });

    expect((await rawRequest(caller.tokenUrl())).body).toBe('late');
    expect(await mintedCount()).toBe(1);
    expect(await wechat.journal()).toMatchObject([{ errcode: 0, issued: { minted: true } }]);
  });
});

describe('a fault before the body', () => {
  const upload = (): http.ClientRequest => {
    const request = http.request(`${wechat.url}${SEND}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-length': 100 * MIB },
    });
    request.write('the first bytes');
    return request;
  };

  it('answers while the upload goes on', async () => {
    await wechat.fault({ path: SEND, kind: 'status', status: 413, beforeBody: true });
    const request = upload();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    request.on('error', () => undefined).destroy();

    expect(response.statusCode).toBe(413);
    expect(await wechat.journal()).toMatchObject([{ status: 413, bodySha256: null }]);
  });

  it('resets while the upload goes on', async () => {
    await wechat.fault({ path: SEND, kind: 'reset_before', beforeBody: true });
    const [error] = (await once(upload(), 'error')) as [NodeJS.ErrnoException];

    expect(error.code).toBe('ECONNRESET');
    expect(await wechat.journal()).toMatchObject([{ outcome: 'cut', bodyBytes: 0 }]);
  });

  it('reads nothing while it hangs', async () => {
    await wechat.fault({ path: SEND, kind: 'hang', beforeBody: true });
    const request = upload().on('error', () => undefined);
    await wechat.untilCalls({ path: SEND, outcome: 'in_flight' });
    request.destroy();

    expect(await wechat.untilCalls({ outcome: 'client_left' })).toMatchObject([{ bodyBytes: 0 }]);
  });

  it('is the only one that strikes a call', async () => {
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: -1 });
    await wechat.fault({ path: TOKEN, kind: 'delay', delayMs: 1, beforeBody: true });

    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
    expect((await caller.fetchLegacy()).errcode).toBe(-1);
  });

  it('may not come after the effect too', async () => {
    const fault = { path: TOKEN, kind: 'hang', beforeBody: true, afterEffect: true } as const;

    await expect(wechat.fault(fault)).rejects.toMatchObject({
      status: 400,
      problem: expect.stringContaining('before_body and after_effect exclude each other'),
    });
  });
});

describe('a fault that spoils WeChat’s answer', () => {
  it('truncated: announces the whole body and ends the connection half-way', async () => {
    await wechat.fault({ path: TOKEN, kind: 'truncated' });
    const answer = await rawRequest(caller.tokenUrl());

    expect(answer.status).toBe(200);
    expect(answer.headers['content-length']).toBe('173');
    expect(answer.body).toHaveLength(87);
    expect(answer.isComplete).toBe(false);
    expect(await mintedCount()).toBe(1);
  });

  it('truncated with a cut length: a complete answer whose JSON is broken', async () => {
    await wechat.fault({ path: TOKEN, kind: 'truncated', contentLength: 'cut' });
    const answer = await rawRequest(caller.tokenUrl());

    expect(answer.headers['content-length']).toBe('87');
    expect(answer.body).toHaveLength(87);
    expect(answer.isComplete).toBe(true);
    expect(await mintedCount()).toBe(1);
  });

  it('oversized: good JSON, over 1 MiB', async () => {
    await wechat.fault({ path: TOKEN, kind: 'oversized' });
    const answer = await rawRequest(caller.tokenUrl());

    expect(answer.body.length).toBeGreaterThan(MIB);
    expect(JSON.parse(answer.body)).toMatchObject({ expires_in: 7200 });
  });

  it.each([
    ['missing', undefined],
    ['a string', '7200'],
    ['zero', 0],
    ['negative', -1],
    ['huge', 1e12],
    ['no whole number', 1.5],
    ['null', null],
  ])('expires_in: %s', async (_, value) => {
    await wechat.fault({ path: TOKEN, kind: 'expires_in', value });
    const answer = await caller.fetchLegacy();

    expect(answer.expires_in).toBe(value);
    expect('expires_in' in answer).toBe(value !== undefined);
    expect(await caller.errcodeWith(answer.access_token)).toBe(0);
  });
});

describe('a fault of the connection', () => {
  it('reset_before: the call never had its effect', async () => {
    await wechat.fault({ path: TOKEN, kind: 'reset_before' });

    await expect(rawRequest(caller.tokenUrl())).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await mintedCount()).toBe(0);
    expect(await wechat.journal()).toMatchObject([
      { outcome: 'cut', status: null, errcode: null, fault: 'reset_before', issued: null },
    ]);
  });

  it('reset_after: the token was minted, and the old one superseded', async () => {
    const { access_token: old } = await caller.fetchLegacy();
    await wechat.fault({ path: TOKEN, kind: 'reset_after' });

    await expect(rawRequest(caller.tokenUrl())).rejects.toMatchObject({ code: 'ECONNRESET' });
    const lost = await wechat.newestToken(APP_ID);
    expect(lost?.number).toBe(2);
    expect(lost?.accessToken).not.toBe(old);
    await wechat.advance(300_000);
    expect(await caller.errcodeWith(old)).toBe(40001);
    expect(await wechat.journal({ path: TOKEN, outcome: 'cut' })).toMatchObject([
      { outcome: 'cut', status: null, errcode: 0, issued: { tag: lost?.tag, minted: true } },
    ]);
  });

  it('hang: no answer, until the client goes', async () => {
    await wechat.fault({ path: TOKEN, kind: 'hang' });
    const patience = new AbortController();
    const hanging = fetch(caller.tokenUrl(), { signal: patience.signal });
    hanging.catch(() => undefined);
    await wechat.untilCalls({ path: TOKEN, outcome: 'in_flight' });
    expect((await wechat.state()).journal.inFlight).toBe(1);

    patience.abort();
    await expect(hanging).rejects.toThrow('abort');
    const [entry] = await wechat.untilCalls({ path: TOKEN, outcome: 'client_left' });
    expect(entry).toMatchObject({ status: null, errcode: null, issued: null, fault: 'hang' });
    expect(entry?.endedAt).not.toBeNull();
    expect(await mintedCount()).toBe(0);
    // The simulator serves others meanwhile and afterwards.
    expect((await caller.fetchLegacy()).expires_in).toBe(7200);
  });

  it('hang with after_effect: the token is minted, the answer never comes', async () => {
    await wechat.fault({ path: TOKEN, kind: 'hang', afterEffect: true });
    const patience = new AbortController();
    const hanging = fetch(caller.tokenUrl(), { signal: patience.signal });
    hanging.catch(() => undefined);
    await wechat.untilCalls({ path: TOKEN, minted: true });

    expect(await mintedCount()).toBe(1);
    patience.abort();
    await expect(hanging).rejects.toThrow('abort');
  });

  it('delay: the answer is the one that would have come at once', async () => {
    await wechat.fault({ path: TOKEN, kind: 'delay', delayMs: 1 });
    const answer = await rawRequest(caller.tokenUrl());

    expect(answer.headers['content-type']).toBe('application/json; encoding=utf-8');
    expect(await wechat.journal()).toMatchObject([{ outcome: 'answered', errcode: 0 }]);
  });

  it('delay: the answer comes later, and the effect with it', async () => {
    await wechat.fault({ path: TOKEN, kind: 'delay', delayMs: 150 });
    const startedAt = performance.now();
    const answer = caller.fetchLegacy();
    await wechat.untilCalls({ path: TOKEN, outcome: 'in_flight' });
    expect(await mintedCount()).toBe(0);

    expect((await answer).expires_in).toBe(7200);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(149);
    expect(await mintedCount()).toBe(1);
  });

  it('delay: a late call mints even where its caller has gone', async () => {
    await wechat.fault({ path: TOKEN, kind: 'delay', delayMs: 150 });
    const late = fetch(caller.tokenUrl(), { signal: AbortSignal.timeout(50) });
    await expect(late).rejects.toThrow('timeout');
    await wechat.untilCalls({ path: TOKEN, outcome: 'client_left' });

    const [entry] = await wechat.untilCalls({ path: TOKEN, minted: true });
    expect(entry).toMatchObject({ outcome: 'client_left', status: null, errcode: 0 });
    expect(await mintedCount()).toBe(1);
  });

  it('delay with after_effect: the effect at once, the answer later', async () => {
    await wechat.fault({ path: TOKEN, kind: 'delay', delayMs: 150, afterEffect: true });
    const answer = caller.fetchLegacy();
    await wechat.untilCalls({ path: TOKEN, minted: true, outcome: 'in_flight' });

    expect(await mintedCount()).toBe(1);
    expect((await answer).expires_in).toBe(7200);
  });

  it('waits before any kind strikes, where it has a delay', async () => {
    await wechat.fault({ path: TOKEN, kind: 'errcode', errcode: -1, delayMs: 60 });
    await wechat.fault({ path: TOKEN, kind: 'reset_after', delayMs: 60 });
    const startedAt = performance.now();

    expect((await caller.fetchLegacy()).errcode).toBe(-1);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
    await expect(rawRequest(caller.tokenUrl())).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(118);
  });
});

describe('close()', () => {
  it.each<NewFault>([
    { path: TOKEN, kind: 'hang' },
    { path: TOKEN, kind: 'hang', afterEffect: true },
    { path: TOKEN, kind: 'delay', delayMs: 600_000 },
    { path: TOKEN, kind: 'delay', delayMs: 600_000, afterEffect: true },
  ])(
    'does not wait for a call under $kind',
    async (fault) => {
      const another = await startSimulator({ accounts: [{ appId: APP_ID, secret: SECRET }] });
      await another.fault(fault);
      const hanging = fetch(new WechatCaller(another.url).tokenUrl());
      hanging.catch(() => undefined);
      await another.untilCalls({ outcome: 'in_flight' });

      await another.close();
      await another.close();
      await expect(hanging).rejects.toThrow('fetch failed');
    },
    5_000,
  );
});

describe('what a fault must be', () => {
  it.each([
    [{ path: TOKEN, kind: 'nonsense' }, 'reset_before, reset_after, truncated'],
    [{ path: TOKEN, kind: 'hang', delay: 5 }, 'unknown field "delay"; known are kind, path'],
    [{ path: TOKEN, kind: 'errcode' }, 'errcode: is missing'],
    [{ path: TOKEN, kind: 'reset_after', afterEffect: true }, 'unknown field "after_effect"'],
    [{ path: 'cgi-bin/token', kind: 'hang' }, 'a path begins with'],
    [{ path: '/cgi-bin/token?appid=wx', kind: 'hang' }, 'a path has no query'],
    [{ path: '/__simulator/state', kind: 'hang' }, 'no fault strikes the control interface'],
    [{ path: TOKEN, kind: 'hang', times: 0 }, 'times'],
    [{ path: TOKEN, kind: 'delay' }, 'delay_ms: is missing'],
    [{ path: TOKEN, kind: 'hang', appId: 'gh_1' }, 'an AppID is'],
    [{ kind: 'hang' }, 'path: is missing'],
    [{ path: TOKEN, kind: 'answer', body: 'a', fillerBytes: 1 }, 'is one of body, body_base64'],
    [{ path: TOKEN, kind: 'answer', bodyBase64: '?' }, 'body_base64'],
    [{ path: TOKEN, kind: 'answer', headers: { 'a b': 'c' } }, 'not a valid header name'],
    [{ path: TOKEN, kind: 'answer', headers: { a: 'b\nc' } }, 'headers.a'],
    [{ path: TOKEN, kind: 'answer', headers: { 'Content-Length': '1' } }, 'by announced_bytes'],
  ])('%j is refused', async (fault, message) => {
    await expect(wechat.fault(fault as NewFault)).rejects.toMatchObject({
      status: 400,
      problem: expect.stringContaining(JSON.stringify(message).slice(1, -1)),
    });
    expect(await wechat.faults()).toEqual([]);
  });
});
