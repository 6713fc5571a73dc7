import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { ConfigError } from '../src/config/config.error.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  startService,
  type Answer,
  type ProblemBody,
  type Service,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* What a client, an operator or a scanner may send by mistake or on purpose, and the answer of the contract. */

const READ = `/v1/accounts/${APP_ID}/access-token`;
const REPORT = `${READ}/report`;
const REFRESH = `/v1/admin/accounts/${APP_ID}/access-token/refresh`;
const ACCOUNT = `/v1/admin/accounts/${APP_ID}`;
const UNKNOWN_APP_ID = 'wxffffffffffffffff';
const KIB = 1_024;

let wechat: Simulator;
let service: Service;

beforeAll(async () => {
  // Short lives make the floor between fetches short: 0.1 s.
  wechat = await startSimulator({
    accounts: [{ appId: APP_ID, secret: APP_SECRET }],
    lifetimeSeconds: 60,
    stableWindowSeconds: 0,
  });
  service = await startService(wechat);
  await service.ready();
  // In use from here before any wrong key comes from here: else they would have to wait after those.
  await service.read();
  await service.state();
});
afterAll(async () => {
  await service.close();
  await wechat.close();
});

interface Sent {
  readonly key?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** As it is: no header of a library's own, any path, any method. */
async function send(
  method: string,
  path: string,
  { key, headers = {}, body }: Sent = {},
): Promise<Answer<ProblemBody>> {
  const request = httpRequest(service.url, {
    method,
    path,
    headers: { ...headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const content = await text(response);
  const answerHeaders = new Headers(response.headers as Record<string, string>);
  const isJson = answerHeaders.get('content-type')?.includes('json') === true;
  return {
    status: response.statusCode ?? 0,
    headers: answerHeaders,
    body: (isJson && content !== '' ? JSON.parse(content) : content) as ProblemBody,
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function report(body: unknown): Promise<Answer<ProblemBody>> {
  const content = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return send('POST', REPORT, { key: CLIENT_KEY, headers: JSON_TYPE, body: content });
}

/** The form that every error has (contract: Errors), and nothing of our insides. */
function expectProblem(answer: Answer<ProblemBody>, status: number, code: string): void {
  const { headers, body } = answer;
  expect({ status: answer.status, code: body.code }).toEqual({ status, code });
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toMatchObject({
    type: expect.any(String),
    title: expect.any(String),
    status,
    detail: expect.stringMatching(/\.$/),
  });
  expect(Object.hasOwn(body, 'error_id')).toBe(status >= 500);
  expect(JSON.stringify(body)).not.toMatch(/\bat .+:\d+:\d+|node_modules|\.[jt]s\b/);
}

describe('keys', () => {
  it.each([
    ['none', {}],
    ['an empty one', { authorization: 'Bearer ' }],
    ['the scheme alone', { authorization: 'Bearer' }],
    ['another scheme', { authorization: 'Basic Y2xpZW50OmtleQ==' }],
    ['an unknown one', { authorization: 'Bearer unknown-key-0123456789' }],
    ['a beginning of the right one', { authorization: `Bearer ${CLIENT_KEY.slice(0, -1)}` }],
    ['the right one and more', { authorization: `Bearer ${CLIENT_KEY} ${CLIENT_KEY}` }],
    ['12 KiB of one', { authorization: `Bearer ${'k'.repeat(12 * KIB)}` }],
    ['an unknown one in X-API-Key', { 'x-api-key': 'unknown-key-0123456789' }],
    ['two that differ', { authorization: `Bearer ${CLIENT_KEY}`, 'x-api-key': ADMIN_KEY }],
    ['two of which one is empty', { authorization: `Bearer ${CLIENT_KEY}`, 'x-api-key': '' }],
  ])('%s: 401 on client and admin routes, with a challenge', async (_what, headers) => {
    for (const [method, path] of [
      ['GET', READ],
      ['POST', REPORT],
      ['GET', ACCOUNT],
      ['POST', REFRESH],
    ] as const) {
      const answer = await send(method, path, { headers });
      expectProblem(answer, 401, 'unauthenticated');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/);
    }
  });

  it.each([
    ['Authorization', { authorization: `Bearer ${CLIENT_KEY}` }],
    ['Authorization, its scheme in small letters', { authorization: `bearer ${CLIENT_KEY}` }],
    ['X-API-Key', { 'x-api-key': CLIENT_KEY }],
    ['both, alike', { authorization: `Bearer ${CLIENT_KEY}`, 'x-api-key': CLIENT_KEY }],
  ])('the right one by %s: 200', async (_how, headers) => {
    expect((await send('GET', READ, { headers })).status).toBe(200);
  });

  it('the admin’s on client routes: 403', async () => {
    expectProblem(await send('GET', READ, { key: ADMIN_KEY }), 403, 'forbidden');
    expectProblem(await send('POST', REPORT, { key: ADMIN_KEY }), 403, 'forbidden');
  });

  it('a client’s on admin routes: 403, and nothing is asked of WeChat', async () => {
    const calls = await wechat.countCalls();
    expectProblem(await send('GET', ACCOUNT, { key: CLIENT_KEY }), 403, 'forbidden');
    expectProblem(await send('POST', REFRESH, { key: CLIENT_KEY }), 403, 'forbidden');
    expect(await wechat.countCalls()).toBe(calls);
  });
});

describe('an account that is none', () => {
  it.each([
    UNKNOWN_APP_ID,
    'gh_0123456789ab',
    'wxAPPID',
    APP_ID.toUpperCase(),
    '__proto__',
    'constructor',
    'toString',
    '%00',
    '..%2f..%2fadmin',
    '%F0%9F%92%A5',
    "'%20OR%201=1--",
  ])('%s: 403 for a client, all alike; 404 for an admin', async (appId) => {
    const known = await send('GET', `/v1/accounts/${UNKNOWN_APP_ID}/access-token`, {
      key: CLIENT_KEY,
    });
    const path = `/v1/accounts/${appId}/access-token`;
    const read = await send('GET', path, { key: CLIENT_KEY });
    expectProblem(read, 403, 'forbidden');
    expect(read.body).toEqual(known.body);
    const body = '{"version":1}';
    const reported = await send('POST', `${path}/report`, {
      key: CLIENT_KEY,
      headers: JSON_TYPE,
      body,
    });
    expectProblem(reported, 403, 'forbidden');
    const admin = { key: ADMIN_KEY };
    const state = await send('GET', `/v1/admin/accounts/${appId}`, admin);
    expectProblem(state, 404, 'account_not_found');
    const refresh = await send('POST', `/v1/admin/accounts/${appId}/access-token/refresh`, admin);
    expectProblem(refresh, 404, 'account_not_found');
  });

  it.each(['gh_0123456789ab', 'wxAPPID', 'wx0123456789ABCDEF', `${APP_ID}0`, APP_ID.slice(1)])(
    '%s in the environment is refused at the start, by the variable’s name alone',
    async (appId) => {
      const start = startService(wechat, { WECHAT_APP_ID: appId });
      await expect(start).rejects.toBeInstanceOf(ConfigError);
      await expect(start).rejects.toThrow(/^ {2}WECHAT_APP_ID: is not an AppID/m);
      await expect(start).rejects.not.toThrow(appId);
    },
  );
});

describe('a body', () => {
  it.each([
    ['cut off', '{"version": 1'],
    ['empty of sense', 'version=1'],
    ['with a comma too many', '{"version": 1,}'],
    ['of bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['nested 8,000 deep', '['.repeat(8_000)],
    ['with __proto__', '{"version": 1, "__proto__": {"admin": true}}'],
    ['with constructor.prototype', '{"version": 1, "constructor": {"prototype": {"admin": 1}}}'],
  ])('%s: 400 at "body"', async (_what, body) => {
    const answer = await report(body);
    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body.errors).toEqual([{ path: 'body', message: expect.any(String) }]);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it.each(['constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'])(
    'with a field named %s: 400 that names it, as does a query',
    async (name) => {
      const reported = await report({ version: 1, [name]: {} });
      expectProblem(reported, 400, 'validation_failed');
      expect(reported.body.errors?.map(({ path }) => path)).toEqual([`body.${name}`]);
      const listed = await send('GET', `/v1/admin/audit?${name}=1`, { key: ADMIN_KEY });
      expectProblem(listed, 400, 'validation_failed');
      expect(listed.body.errors?.map(({ path }) => path)).toEqual([`query.${name}`]);
    },
  );

  it('with __proto__ in a query: 400 that names it', async () => {
    const listed = await send('GET', '/v1/admin/audit?__proto__=1', { key: ADMIN_KEY });
    expectProblem(listed, 400, 'validation_failed');
    expect(listed.body.errors?.map(({ path }) => path)).toEqual(['query.__proto__']);
  });

  it.each<[string, unknown, string]>([
    ['that is missing', '', 'body'],
    ['null', null, 'body'],
    ['a list', [], 'body'],
    ['a text', '"97_token"', 'body'],
    ['with neither token nor version', {}, 'body'],
    ['with an errcode alone', { errcode: 40001 }, 'body'],
    ['with both token and version', { access_token: '97_x', version: 1 }, 'body'],
    ['with an unknown field', { version: 1, token: 'x' }, 'body.token'],
    ['with the fields of another language', { accessToken: '97_x' }, 'body.accessToken'],
    ['whose token is empty', { access_token: '' }, 'body.access_token'],
    ['whose token is too long', { access_token: 'x'.repeat(1_025) }, 'body.access_token'],
    ['whose token is a list', { access_token: ['97_x'] }, 'body.access_token'],
    ['whose token is null', { access_token: null }, 'body'],
    ['whose version is a word', { version: 'one' }, 'body.version'],
    ['whose version is no whole number', { version: 1.5 }, 'body.version'],
    ['whose version is 0', { version: 0 }, 'body.version'],
    ['whose version is beyond all numbers', '{"version": 1e400}', 'body.version'],
    ['whose errcode is a word', { version: 1, errcode: 'invalid' }, 'body.errcode'],
  ])('of a report %s: 400, naming the place', async (_what, body, path) => {
    const answer = await report(body);
    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body.errors?.map((error) => error.path)).toContain(path);
  });

  it.each<[string, object, string]>([
    ['force is a text', { force: 'true' }, 'body.force'],
    ['reason is too long', { reason: 'x'.repeat(201) }, 'body.reason'],
    ['reason is turned round', { reason: 'a\u202eb' }, 'body.reason'],
    ['reason has two lines', { reason: 'a\u2029b' }, 'body.reason'],
    ['a field’s name is turned round', { 'a\u202eb': 1 }, 'body.a\\u202eb'],
    ['a field is unknown', { forced: true }, 'body.forced'],
  ])('of an admin refresh where %s: 400, and nothing is asked of WeChat', async (_, body, path) => {
    const calls = await wechat.countCalls();
    const answer = await send('POST', REFRESH, {
      key: ADMIN_KEY,
      headers: JSON_TYPE,
      body: JSON.stringify(body),
    });
    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body.errors?.map((error) => error.path)).toEqual([path]);
    expect(await wechat.countCalls()).toBe(calls);
  });

  it('over 16 KiB: 413, whether its length is announced or not; exactly 16 KiB is read', async () => {
    const padded = (bytes: number): string => '{"version":1}'.padEnd(bytes);
    expectProblem(await report(padded(16 * KIB + 1)), 413, 'payload_too_large');
    const chunked = await send('POST', REPORT, {
      key: CLIENT_KEY,
      headers: { ...JSON_TYPE, 'transfer-encoding': 'chunked' },
      body: padded(16 * KIB + 1),
    });
    expectProblem(chunked, 413, 'payload_too_large');
    expect((await report(padded(16 * KIB))).status).toBe(200);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonx',
    'json',
    '',
  ])('of type "%s": 415', async (type) => {
    const answer = await send('POST', REPORT, {
      key: CLIENT_KEY,
      headers: { 'content-type': type },
      body: '{"version":1}',
    });
    expectProblem(answer, 415, 'unsupported_media_type');
  });

  it.each<[string, Record<string, string>]>([
    ['gzip', {}],
    ['GZIP', { 'transfer-encoding': 'chunked' }],
    ['deflate, gzip', {}],
    ['br', {}],
    ['none', {}],
  ])('with Content-Encoding: %s: 415, saying what is taken', async (encoding, headers) => {
    const answer = await send('POST', REPORT, {
      key: CLIENT_KEY,
      headers: { ...JSON_TYPE, ...headers, 'content-encoding': encoding },
      body: gzipSync('{"version":1}'),
    });
    expectProblem(answer, 415, 'unsupported_media_type');
    expect(answer.body.detail).toContain('Content-Encoding');
    expect(answer.headers.get('accept-encoding')).toBe('identity');
  });

  it('with Content-Encoding: identity, or of no length with any: read as it is', async () => {
    const plain = await send('POST', REPORT, {
      key: CLIENT_KEY,
      headers: { ...JSON_TYPE, 'content-encoding': 'Identity' },
      body: '{"version":1}',
    });
    expect(plain.status).toBe(200);
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip', 'content-length': '0' };
    const none = await send('POST', REPORT, { key: CLIENT_KEY, headers });
    expectProblem(none, 400, 'validation_failed');
  });

  it('of no type: 415; of JSON in any spelling: read', async () => {
    const body = '{"version":1}';
    const untyped = await send('POST', REPORT, { key: CLIENT_KEY, body });
    expectProblem(untyped, 415, 'unsupported_media_type');
    for (const type of ['application/json; charset=utf-8', 'Application/JSON']) {
      const headers = { 'content-type': type };
      expect((await send('POST', REPORT, { key: CLIENT_KEY, headers, body })).status).toBe(200);
    }
  });
});

describe('?wait=', () => {
  const WRONG = ['', 'soon', '-1', '61', '60.5', '1e1', '0x10', '5s', '%205', 'NaN', 'Infinity'];

  it.each([...WRONG, '1&wait=2', '%F0%9F%92%A5'])(
    '%s: 400 on every route that has it',
    async (wait) => {
      const sent = { headers: JSON_TYPE, body: '{"version":1}' };
      const calls = await wechat.countCalls();
      for (const answer of [
        await send('GET', `${READ}?wait=${wait}`, { key: CLIENT_KEY }),
        await send('POST', `${REPORT}?wait=${wait}`, { key: CLIENT_KEY, ...sent }),
        await send('POST', `${REFRESH}?wait=${wait}`, { key: ADMIN_KEY }),
      ]) {
        expectProblem(answer, 400, 'validation_failed');
        expect(answer.body.errors).toEqual([{ path: 'query.wait', message: expect.any(String) }]);
      }
      expect(await wechat.countCalls()).toBe(calls);
    },
  );

  it.each(['0', '60', '1.5'])('%s: taken', async (wait) => {
    expect((await send('GET', `${READ}?wait=${wait}`, { key: CLIENT_KEY })).status).toBe(200);
  });
});

describe('a method that the path does not know', () => {
  it.each([
    [READ, 'GET, HEAD, OPTIONS', ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'TRACE']],
    [REPORT, 'OPTIONS, POST', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']],
    [REFRESH, 'OPTIONS, POST', ['GET', 'PUT', 'PATCH', 'DELETE']],
    ['/v1/admin/audit-of-nothing', undefined, ['POST']],
    ['/healthz', 'GET, HEAD, OPTIONS', ['POST', 'DELETE']],
    ['/readyz', 'GET, HEAD, OPTIONS', ['POST', 'DELETE']],
    ['/openapi.json', 'GET, HEAD, OPTIONS', ['POST']],
    ['/docs', 'GET, HEAD, OPTIONS', ['POST']],
  ])('on %s: 405 with Allow "%s"', async (path, allow, methods) => {
    for (const method of methods) {
      for (const key of [undefined, CLIENT_KEY, ADMIN_KEY]) {
        const answer = await send(method, path, key === undefined ? {} : { key });
        if (allow === undefined) {
          expectProblem(answer, 404, 'not_found');
          continue;
        }
        expect([method, answer.status]).toEqual([method, 405]);
        expect(answer.headers.get('allow')).toBe(allow);
        if (method !== 'HEAD') {
          expectProblem(answer, 405, 'method_not_allowed');
        }
      }
    }
  });

  it('OPTIONS tells which it knows, without a key', async () => {
    const answer = await send('OPTIONS', REPORT);
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'OPTIONS, POST']);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await send('OPTIONS', '/nowhere')).status).toBe(404);
  });

  it('HEAD answers as GET would, without a body', async () => {
    const get = await send('GET', READ, { key: CLIENT_KEY });
    const head = await send('HEAD', READ, { key: CLIENT_KEY });
    expect([head.status, head.body]).toEqual([200, '']);
    expect(head.headers.get('etag')).toBe(get.headers.get('etag'));
    expect(head.headers.get('cache-control')).toBe('no-store');
    const unknown = await send('HEAD', READ);
    expect([unknown.status, unknown.body]).toEqual([401, '']);
    expect(unknown.headers.get('content-type')).toBe('application/problem+json');
    expect((await send('HEAD', '/nowhere')).status).toBe(404);
  });
});

describe('a URL', () => {
  it.each([
    '/',
    '/v1',
    '/v2/accounts',
    '/nowhere?access_token=97_secret',
    `${READ}/`,
    `/v1//accounts/${APP_ID}/access-token`,
    `/V1/accounts/${APP_ID}/access-token`,
    '/v1/accounts//access-token',
    `/v1/accounts/${'x'.repeat(200)}/access-token`,
    `/${'x'.repeat(8 * KIB)}`,
    `/${'x/'.repeat(4 * KIB)}`,
    '/docs/..%2f..%2fpackage.json',
    '/docs/../../etc/passwd',
    '/__proto__',
    '/constructor/prototype',
    '*',
  ])('that leads nowhere (%.60s): 404, with a key and without', async (path) => {
    for (const sent of [{}, { key: CLIENT_KEY }, { key: ADMIN_KEY }]) {
      const answer = await send('GET', path, sent);
      expectProblem(answer, 404, 'not_found');
      expect(JSON.stringify(answer.body)).not.toContain('97_secret');
    }
  });

  it.each(['%', '%zz', '%e0%a4%a', '%c3%28'])(
    'with a percent-encoding that is none (%s): 400',
    async (part) => {
      const answer = await send('GET', `/v1/accounts/${part}/access-token`, { key: CLIENT_KEY });
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toEqual([{ path: 'url', message: expect.any(String) }]);
    },
  );

  it.each([
    '?%',
    '?wait=%zz',
    '?__proto__[wait]=1',
    '?constructor=1&__proto__=x',
    '?=&&=?',
    '?a#b',
  ])('with a query that says nothing (%s): no 500', async (query) => {
    const answer = await send('GET', `${READ}${query}`, { key: CLIENT_KEY });
    expect([200, 400]).toContain(answer.status);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it.each(['"', 'W/', '*', ',,,', 'W/"x", "y', '\t'])(
    'and an If-None-Match that is odd (%j): no 500',
    async (tag) => {
      const answer = await send('GET', READ, {
        key: CLIENT_KEY,
        headers: { 'if-none-match': tag },
      });
      expect([200, 304]).toContain(answer.status);
    },
  );
});

describe('bytes that are no request', () => {
  async function exchange(bytes: string): Promise<string> {
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    socket.write(bytes);
    return text(socket);
  }

  it.each([
    ['a line of nonsense', 'nonsense\r\n\r\n', 400],
    ['the greeting of TLS', '\u0016\u0003\u0001\u0002', 400],
    ['a method that nobody knows', 'BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['a URL with a blank', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    [
      'a length that is none',
      `POST ${REPORT} HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n`,
      400,
    ],
    [
      'two ways to say the length',
      `POST ${REPORT} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a URL over 16 KiB', `GET /${'x'.repeat(17 * KIB)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    [
      'headers over 16 KiB',
      `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'x'.repeat(17 * KIB)}\r\n\r\n`,
      431,
    ],
  ])('%s: a bare status and the end of the connection', async (_what, bytes, status) => {
    const [head = '', ...rest] = (await exchange(bytes)).split('\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(rest.slice(0, -2).sort()).toEqual([
      'Connection: close',
      'Content-Length: 0',
      'X-Content-Type-Options: nosniff',
    ]);
  });
});

describe('anything at all', () => {
  const field = fc.oneof(
    fc.constantFrom('access_token', 'version', 'errcode', 'force', 'reason', '__proto__'),
    fc.string(),
  );
  const value = fc.oneof(fc.jsonValue(), fc.nat(), fc.boolean());
  const body = fc.oneof(
    fc.json(),
    fc.dictionary(field, value).map((fields) => JSON.stringify(fields)),
    fc.string({ unit: 'binary' }),
  );
  const query = fc.oneof(
    fc.constant('wait=0'),
    fc.stringMatching(/^[!-~]{0,40}$/),
    fc
      .array(fc.tuple(fc.constantFrom('wait', 'kind', 'ip', 'x'), fc.string({ unit: 'grapheme' })))
      .map((pairs) => new URLSearchParams(pairs).toString()),
  );

  it.each([
    ['the read', 'GET', READ, CLIENT_KEY],
    ['the IP list', 'GET', `/v1/accounts/${APP_ID}/ip-list`, CLIENT_KEY],
    ['the search in it', 'GET', `/v1/accounts/${APP_ID}/ip-list/contains`, CLIENT_KEY],
    ['the report', 'POST', REPORT, CLIENT_KEY],
    ['the admin refresh', 'POST', REFRESH, ADMIN_KEY],
  ])('sent to %s never gives a 500', async (_what, method, path, key) => {
    await fc.assert(
      fc.asyncProperty(query, body, async (sentQuery, sentBody) => {
        const sent = method === 'POST' ? { headers: JSON_TYPE, body: sentBody } : {};
        const answer = await send(method, `${path}?${sentQuery}`, { key, ...sent });
        expect([200, 400, 404, 413, 429, 502, 503, 504]).toContain(answer.status);
        if (answer.status !== 200) {
          expectProblem(answer, answer.status, answer.body.code);
        }
      }),
      { numRuns: 30 },
    );
  });
});
