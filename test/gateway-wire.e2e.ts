import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import type { Environment } from '../src/config/environment.js';
import { admin, CLIENTS, makeClient } from './support/clients.js';
import { Pair } from './support/pair.js';
import { send, type RawAnswer } from './support/send.js';
import { APP_ID, startService } from './support/service.js';

/* What goes over the wire between caller, gateway and WeChat: bytes, headers, faults. */

const PATH = '/cgi-bin/draft/batchget';
const MEBIBYTE = 1024 * 1024;

let pair: Pair;
let key: string;

async function start(environment: Environment = {}): Promise<void> {
  pair = await Pair.start({ mode: 'legacy', environment });
  const gateway = { allow: ['* /*'], per_minute: 10_000 };
  ({ key } = await makeClient(pair.service, { id: 'publisher', scopes: ['gateway'], gateway }));
}

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

function call(
  path = PATH,
  { method = 'POST', headers = {}, body = '{}' }: Sent = {},
): Promise<RawAnswer> {
  return send(pair.service.url, method, `/v1/accounts/${APP_ID}/gateway${path}`, {
    headers: { authorization: `Bearer ${key}`, ...headers },
    ...(method !== 'GET' && { body }),
  });
}

function problemOf({ status, text }: RawAnswer): unknown[] {
  const { code, sent } = JSON.parse(text) as { code: string; sent?: boolean };
  return [status, code, sent];
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A connection on which a test writes what it likes. */
async function open(head: string): Promise<Socket> {
  const { hostname, port } = new URL(pair.service.url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.write(
    `POST /v1/accounts/${APP_ID}/gateway${PATH} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${key}\r\n${head}\r\n\r\n`,
  );
  return socket;
}

/** All that comes until the other side closes. */
async function rest(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return Buffer.concat(pieces).toString('latin1');
}

afterEach(() => pair.close());

describe('what arrives at WeChat', () => {
  beforeEach(() => start());

  it('is path, query and body as they were sent, with our token in place of any other', async () => {
    const query = 'b=2&a=&b=%E4%BD%A0+x&&c=%7e&access_token=old&%61ccess_token=older&d';
    const body = '{"text":"你好\\u0000","n":1.0}\n';
    const { status } = await call(`${PATH}?${query}`, {
      body,
      headers: { 'content-type': 'text/plain; charset=gbk' },
    });
    expect(status).toBe(200);
    const [entry] = await pair.wechat.journal({ path: PATH });
    expect(entry?.rawQuery).toMatch(/^access_token=\[\w+\]&b=2&a=&b=%E4%BD%A0\+x&&c=%7e&d$/);
    expect([entry?.method, entry?.bodyBytes, entry?.bodySha256]).toEqual([
      'POST',
      Buffer.byteLength(body),
      hashOf(body),
    ]);
    expect(entry?.headers['content-type']).toBe('text/plain; charset=gbk');
  });

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('is the method %s', async (method) => {
    expect((await call(PATH, { method })).status).toBe(200);
    expect((await pair.wechat.journal({ path: PATH }))[0]?.method).toBe(method);
  });

  it('has no header that is not WeChat’s to see', async () => {
    await call(PATH, {
      headers: {
        cookie: 'session=1',
        'x-api-key': key,
        'x-forwarded-for': '10.1.2.3',
        referer: 'http://intranet/',
        'wechatmp-appid': APP_ID,
        'wechatmp-signature': 'c2ln',
        accept: 'application/json',
      },
    });
    const [entry] = await pair.wechat.journal({ path: PATH });
    const names = Object.keys(entry?.headers ?? {}).sort();
    expect(names).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'content-length',
      'host',
      'user-agent',
      'wechatmp-appid',
      'wechatmp-signature',
    ]);
  });

  it('of a body without a length has one', async () => {
    const body = 'x'.repeat(100_000);
    const { status } = await call(PATH, { body, headers: { 'transfer-encoding': 'chunked' } });
    expect(status).toBe(200);
    const [entry] = await pair.wechat.journal({ path: PATH });
    expect([entry?.headers['content-length'], entry?.bodySha256]).toEqual(['100000', hashOf(body)]);
  });

  it('is nothing of a longer body without a length: 411', async () => {
    const body = 'x'.repeat(MEBIBYTE + 1);
    const answer = await call(PATH, { body, headers: { 'transfer-encoding': 'chunked' } });
    expect(problemOf(answer)).toEqual([411, 'length_required', undefined]);
    expect(await pair.wechat.countCalls({ path: PATH })).toBe(0);
  });

  it('is a large body, whole', async () => {
    const body = 'x'.repeat(3 * MEBIBYTE);
    expect((await call('/cgi-bin/freepublish/batchget', { body })).status).toBe(200);
    const [entry] = await pair.wechat.journal({ path: '/cgi-bin/freepublish/batchget' });
    expect([entry?.bodyBytes, entry?.bodySha256]).toEqual([3 * MEBIBYTE, hashOf(body)]);
  });

  it('is nothing where a body ends early', async () => {
    const socket = await open('Content-Length: 100');
    socket.end('half of it');
    await rest(socket);
    expect(await pair.wechat.countCalls({ path: PATH })).toBe(0);
    expect(pair.service.logged).not.toContain('"level":"error"');
  });
});

describe('what comes back', () => {
  beforeEach(() => start());

  it('is status, type, disposition, signature and body, and nothing else', async () => {
    await pair.wechat.fault({
      path: PATH,
      kind: 'answer',
      status: 404,
      headers: {
        'content-type': 'image/jpeg',
        'content-disposition': 'attachment; filename="a.jpg"',
        'set-cookie': 'a=b',
        location: 'http://elsewhere/',
        'wechatmp-serial': '7',
        server: 'nginx',
      },
      bodyBase64: Buffer.from([0, 255, 128, 10]).toString('base64'),
    });
    const answer = await fetch(`${pair.service.url}/v1/accounts/${APP_ID}/gateway${PATH}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([0, 255, 128, 10]);
    expect(answer.status).toBe(404);
    const names = [...answer.headers.keys()].sort();
    expect(names).toEqual([
      'cache-control',
      'connection',
      'content-disposition',
      'content-length',
      'content-type',
      'date',
      'keep-alive',
      'token-version',
      'wechatmp-serial',
      'x-content-type-options',
      'x-request-id',
    ]);
  });

  it('keeps the bytes of a file name that is not ASCII', async () => {
    const disposition = `attachment; filename="${Buffer.from('发票.pdf').toString('latin1')}"`;
    await pair.wechat.fault({
      path: PATH,
      kind: 'answer',
      headers: { 'content-type': 'application/pdf', 'content-disposition': disposition },
      bodyBase64: 'eA==',
    });
    const answer = await call();
    expect([answer.status, answer.headers.get('content-disposition')]).toEqual([200, disposition]);
  });

  it('of a redirect is its status, and nobody follows it', async () => {
    await pair.wechat.fault({ path: PATH, kind: 'redirect' });
    const answer = await call();
    expect([answer.status, answer.headers.get('location')]).toEqual([302, null]);
    expect(await pair.wechat.countCalls({ path: '/redirected' })).toBe(0);
  });

  it('is a large answer, whole, with its length', async () => {
    await pair.wechat.fault({ path: PATH, kind: 'answer', fillerBytes: 5 * MEBIBYTE });
    const answer = await call();
    expect(answer.headers.get('content-length')).toBe(String(5 * MEBIBYTE));
    expect(answer.text).toBe('x'.repeat(5 * MEBIBYTE));
  });

  it('is a large answer without a length, whole', async () => {
    await pair.wechat.fault({
      path: PATH,
      kind: 'answer',
      fillerBytes: MEBIBYTE,
      announcedBytes: 'none',
    });
    expect((await call()).text).toBe('x'.repeat(MEBIBYTE));
  });

  it('heals by an errcode whatever the type of the answer says', async () => {
    await pair.pass(60);
    await pair.wechat.fault({
      path: PATH,
      kind: 'answer',
      headers: { 'content-type': 'image/png' },
      body: '{"errcode":42001,"errmsg":"access_token expired"}',
    });
    await pair.wechat.killToken(await pair.token());
    const answer = await call();
    expect([answer.status, answer.headers.get('token-version')]).toEqual([200, '2']);
  });

  it('does not heal by an errcode within a longer answer', async () => {
    const body = JSON.stringify({ errcode: 42001, filler: 'x'.repeat(70_000) });
    await pair.wechat.fault({ path: PATH, kind: 'answer', body });
    expect((await call()).text).toBe(body);
    expect(await pair.wechat.countCalls({ path: PATH })).toBe(1);
  });
});

describe('when WeChat fails', () => {
  it('and cannot be connected to, nothing was sent, and the next host is tried', async () => {
    await start();
    const hosts = `http://127.0.0.1:${await closedPort()},${pair.wechat.url}`;
    const service = await startService(pair.wechat, { WECHAT_API_BASE_URL: hosts });
    try {
      await service.ready();
      const client = await makeClient(service, {
        scopes: ['gateway'],
        gateway: { allow: ['* /*'] },
      });
      const path = `/v1/accounts/${APP_ID}/gateway${PATH}`;
      const answer = await service.call('POST', path, { key: client.key, body: {} });
      expect(answer.status).toBe(200);
      expect(await pair.wechat.countCalls({ path: PATH })).toBe(1);
    } finally {
      await service.close();
    }
  });

  it('and no host can be connected to: 502, nothing sent', async () => {
    await start();
    await pair.wechat.close();
    const answer = await call();
    expect(problemOf(answer)).toEqual([502, 'wechat_unreachable', false]);
    expect(answer.text).toContain('ECONNREFUSED');
  });

  it('by a reset before the answer: 502, it may have acted, and it is not repeated', async () => {
    await start();
    await pair.wechat.fault({ path: PATH, kind: 'reset_before' });
    expect(problemOf(await call())).toEqual([502, 'wechat_unreachable', true]);
    expect(await pair.wechat.countCalls({ path: PATH })).toBe(1);
  });

  it('by silence: 504, it may have acted', async () => {
    await start({ GATEWAY_TIMEOUT_MS: '200' });
    await pair.wechat.fault({ path: PATH, kind: 'hang' });
    expect(problemOf(await call())).toEqual([504, 'wechat_timeout', true]);
  });

  it('by an answer that is cut: 502 where it is small, a broken connection where it had begun', async () => {
    await start();
    await pair.wechat.fault({ path: PATH, kind: 'answer', body: '{"a":1}', cutAfterBytes: 3 });
    expect(problemOf(await call())).toEqual([502, 'wechat_unreachable', true]);
    await pair.wechat.fault({
      path: PATH,
      kind: 'answer',
      fillerBytes: MEBIBYTE,
      cutAfterBytes: MEBIBYTE / 2,
    });
    await expect(call()).rejects.toThrow('aborted');
  });

  it('by silence within an answer: the connection breaks', async () => {
    // Long enough for the first half of the answer to come on a busy machine.
    await start({ GATEWAY_TIMEOUT_MS: '3000' });
    await pair.wechat.fault({
      path: PATH,
      kind: 'answer',
      fillerBytes: MEBIBYTE,
      pauseAfterBytes: MEBIBYTE / 2,
      pauseMs: 60_000,
    });
    await expect(call()).rejects.toThrow('aborted');
  });

  it('by an answer that is longer or shorter than announced: never a whole answer', async () => {
    await start();
    await pair.wechat.fault({ path: PATH, kind: 'answer', body: '{"a":1}', announcedBytes: 100 });
    expect(problemOf(await call())[0]).toBe(502);
    await pair.wechat.fault({ path: PATH, kind: 'answer', body: '{"a":1}', announcedBytes: 3 });
    const answer = await call();
    // The rest belongs to no answer; what was announced is all there is.
    expect(answer.text === '{"a' || answer.status === 502).toBe(true);
    expect((await call()).status).toBe(200);
  });

  it('by an answer that is larger than allowed: 502, or a broken connection where its length was not told', async () => {
    await start({ GATEWAY_MAX_BODY_MB: '1' });
    await pair.wechat.fault({ path: PATH, kind: 'answer', fillerBytes: 1_000_000_000 });
    expect(problemOf(await call())).toEqual([502, 'wechat_error', true]);
    await pair.wechat.fault({
      path: PATH,
      kind: 'answer',
      fillerBytes: 1_000_000_000,
      announcedBytes: 'none',
    });
    await expect(call()).rejects.toThrow('aborted');
  });
});

describe('a caller', () => {
  it('who sends more than allowed gets 413, and nothing is sent', async () => {
    await start({ GATEWAY_MAX_BODY_MB: '1' });
    const answer = await call(PATH, { body: 'x'.repeat(MEBIBYTE + 1) });
    expect(problemOf(answer)).toEqual([413, 'payload_too_large', undefined]);
    expect(await pair.wechat.countCalls({ path: PATH })).toBe(0);
  });

  it('whose body stops to come is told so, and the connection ends', async () => {
    await start({ GATEWAY_TIMEOUT_MS: '200' });
    const socket = await open('Content-Length: 100');
    socket.write('half of it');
    const answer = await rest(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"validation_failed"');
    expect(await pair.wechat.countCalls({ path: PATH })).toBe(0);
  });

  it('who goes away during an upload that is streamed ends the call at WeChat', async () => {
    await start();
    const socket = await open(`Content-Length: ${2 * MEBIBYTE}`);
    socket.write(Buffer.alloc(MEBIBYTE));
    await pair.wechat.untilCalls({ path: PATH, outcome: 'in_flight' });
    socket.destroy();
    await pair.wechat.untilCalls({ path: PATH, outcome: 'client_left' });
    expect(await pair.wechat.countCalls({ path: PATH })).toBe(1);
    expect(pair.service.logged).not.toContain('"level":"error"');
  });

  it('who goes away during a download ends the call at WeChat', async () => {
    await start();
    await pair.wechat.fault({ path: PATH, kind: 'answer', fillerBytes: 1_000_000_000 });
    await admin(pair.service, 'PATCH', `${CLIENTS}/publisher`, { name: 'x' });
    const socket = await open('Content-Length: 2');
    socket.write('{}');
    await once(socket, 'data');
    socket.destroy();
    await pair.wechat.untilCalls({ path: PATH, outcome: 'client_left' });
  });

  it('whose key is revoked during a call gets its answer, and no other one', async () => {
    await start();
    await pair.wechat.fault({ path: PATH, kind: 'delay', delayMs: 300 });
    const underWay = call();
    await pair.wechat.untilCalls({ path: PATH });
    await admin(pair.service, 'DELETE', `${CLIENTS}/publisher`);
    expect((await underWay).status).toBe(200);
    expect((await call()).status).toBe(401);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
