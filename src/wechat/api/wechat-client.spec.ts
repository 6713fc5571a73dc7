import http from 'node:http';
import net from 'node:net';
import { inspect } from 'node:util';
import { HttpService } from '@nestjs/axios';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import axios from 'axios';
import { AppConfig } from '../../config/app-config.js';
import { HTTP_OPTIONS } from './http-exchange.js';
import { WechatCallError } from './wechat-call.error.js';
import { MetricsRegistry } from '../../observability/metrics-registry.js';
import { WechatApiMetrics } from './wechat-api.metrics.js';
import { type CallOptions, WechatClient } from './wechat-client.js';

const SECRET = 'the+app/secret=0123456789';
const TOKEN = '84_the-access-token';
const TOKEN_ANSWER = '{"access_token":"84_x","expires_in":7200}';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: http.IncomingHttpHeaders;
  body: string;
}

interface Server {
  origin: string;
  host: string;
  /** HTTP requests, or connections of a bare TCP server. */
  seen: Seen[];
  connections: number;
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function start(server: net.Server, seen: Seen[] = []): Promise<Server> {
  const sockets = new Set<net.Socket>();
  const started: Server = { origin: '', host: '', seen, connections: 0 };
  server.on('connection', (socket) => {
    started.connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    for (const socket of sockets) {
      socket.destroy();
    }
    await new Promise((resolve) => server.close(resolve));
  });
  started.host = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  started.origin = `http://${started.host}`;
  return started;
}

/** A real HTTP server that reads each request whole and then answers. */
async function wechat(answer: (response: http.ServerResponse) => void): Promise<Server> {
  const seen: Seen[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(response);
    });
  });
  return start(server, seen);
}

const answering = (body: string | Buffer, status = 200, headers = {}): Promise<Server> =>
  wechat((response) => response.writeHead(status, headers).end(body));

const bareTcp = (onConnection: (socket: net.Socket) => void): Promise<Server> =>
  start(net.createServer(onConnection));

/** An origin where nothing listens. */
async function refusing(): Promise<Server> {
  const server = await bareTcp(() => undefined);
  await closers.pop()?.();
  return server;
}

function clientOf(
  servers: readonly (Server | string)[],
  wechatConfig: Partial<AppConfig['wechat']> = {},
): WechatClient {
  const config = Object.assign(new AppConfig(), {
    wechat: {
      baseUrls: servers.map((server) => (typeof server === 'string' ? server : server.origin)),
      timeoutMs: 5000,
      httpsProxy: undefined,
      noProxy: undefined,
      ...wechatConfig,
    },
  });
  const http = new HttpService(axios.create(HTTP_OPTIONS));
  return new WechatClient(config, http, new WechatApiMetrics(new MetricsRegistry()));
}

async function failureOf(call: Promise<unknown>): Promise<WechatCallError> {
  const result: unknown = await call.catch((error: unknown) => error);
  if (result instanceof WechatCallError) {
    return result;
  }
  throw new Error(`expected a WechatCallError, got ${inspect(result)}`);
}

/** A fetch on the legacy endpoint: the secret is in the query. */
const fetchToken = (client: WechatClient, options: CallOptions = {}): Promise<unknown> =>
  client.get(
    '/cgi-bin/token',
    { grant_type: 'client_credential', appid: 'wx0123456789abcdef', secret: SECRET },
    { call: 'fetch', ...options },
  );

const fetchFailure = (client: WechatClient, options?: CallOptions): Promise<WechatCallError> =>
  failureOf(fetchToken(client, options));

let logged: unknown[] = [];
beforeAll(() => {
  const record = (...line: unknown[]): void => {
    logged.push(...line);
  };
  Logger.overrideLogger({ log: record, error: record, warn: record, debug: record });
});
beforeEach(() => {
  logged = [];
});
afterAll(() => {
  Logger.overrideLogger(true);
});

describe('a request', () => {
  it('GET goes to the path with the query encoded, and returns the answer', async () => {
    const server = await answering(TOKEN_ANSWER);
    expect(await fetchToken(clientOf([server]))).toEqual({
      access_token: '84_x',
      expires_in: 7200,
    });
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({
      method: 'GET',
      url: '/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef&secret=the%2Bapp%2Fsecret%3D0123456789',
      headers: { 'user-agent': 'wechat-token-center', host: server.host },
      body: '',
    });
  });

  it('POST sends one JSON buffer with a Content-Length, never chunked', async () => {
    const server = await answering('{"errcode":0,"errmsg":"ok"}');
    const body = { appid: 'wx1', note: '微信', force_refresh: false, pad: 'x'.repeat(200_000) };
    const answer = await clientOf([server]).post('/cgi-bin/x', { access_token: 'a b' }, body);
    expect(answer).toEqual({ errcode: 0, errmsg: 'ok' });
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      url: '/cgi-bin/x?access_token=a+b',
      headers: {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(JSON.stringify(body))),
      },
      body: JSON.stringify(body),
    });
    expect(server.seen[0]?.headers).not.toHaveProperty('transfer-encoding');
  });

  it('without a query has no question mark', async () => {
    const server = await answering('{}');
    await clientOf([server]).post('/cgi-bin/stable_token', {}, { appid: 'wx1' });
    expect(server.seen[0]?.url).toBe('/cgi-bin/stable_token');
  });

  it('to a path that would alter the host is a mistake of the caller', () => {
    const client = clientOf(['http://127.0.0.1']);
    expect(() => client.get('.example.com/', { secret: SECRET })).toThrow(
      'The path of a call must begin with a slash, or it would alter the host.',
    );
  });

  it('opens a connection of its own and closes it', async () => {
    const server = await answering(TOKEN_ANSWER);
    const client = clientOf([server]);
    await fetchToken(client);
    await fetchToken(client);
    expect(server.connections).toBe(2);
    expect(server.seen[0]?.headers.connection).toBe('close');
  });
});

describe('an answer', () => {
  it.each(['text/plain', 'application/json; encoding=utf-8', 'text/html; charset=ISO-8859-1'])(
    'is read as UTF-8 JSON though it says %s',
    async (type) => {
      const server = await answering('\uFEFF{"name":"微信\u0001"}', 200, { 'Content-Type': type });
      expect(await clientOf([server]).get('/x', {})).toEqual({ name: '微信' });
    },
  );

  it('with an errcode fails with class, advice and waiting time of the table', async () => {
    const server = await answering(
      '{"errcode":40164,"errmsg":"invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 1-2-3"}',
    );
    const error = await fetchFailure(clientOf([server]));
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^GET \/cgi-bin\/token failed: errcode 40164: invalid ip 203\.0\.113\.7 .+ rid: 1-2-3\. \w/,
      ),
      failureClass: 'operator',
      errcode: 40164,
      errmsg: 'invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 1-2-3',
      code: 'wechat_error',
      bytesSent: true,
      retryAfterMs: undefined,
    });
    expect(error.advice).toMatch(/^Add 203\.0\.113\.7 to the IP allow list/);
  });

  it.each([
    ['fetch', 'operator'],
    ['api', 'dead_credential'],
  ] as const)('with errcode 40001 on a call of kind %s is %s', async (call, failureClass) => {
    const server = await answering('{"errcode":40001,"errmsg":"invalid credential"}');
    const error = await fetchFailure(clientOf([server]), { call });
    expect(error.failureClass).toBe(failureClass);
  });

  it('of a call that says nothing of its kind is of kind api', async () => {
    const server = await answering('{"errcode":40001}');
    const error = await failureOf(clientOf([server]).get('/x', { access_token: TOKEN }));
    expect(error.failureClass).toBe('dead_credential');
  });

  it('tells how long WeChat keeps refusing', async () => {
    const server = await answering('{"errcode":45011,"errmsg":"api minute-quota reach limit"}');
    const error = await fetchFailure(clientOf([server]));
    expect(error).toMatchObject({ failureClass: 'throttled', retryAfterMs: 60_000 });
  });

  it.each([
    [300, 'transient'],
    [304, 'transient'],
    [400, 'transient'],
    [404, 'transient'],
    [412, 'transient'],
    [429, 'transient'],
    [500, 'unknown_outcome'],
    [502, 'unknown_outcome'],
    [503, 'unknown_outcome'],
  ])('of HTTP %i is %s, and the next host is not asked', async (status, failureClass) => {
    const server = await answering(status === 304 ? '' : TOKEN_ANSWER, status);
    const next = await answering(TOKEN_ANSWER);
    const error = await fetchFailure(clientOf([server, next]));
    expect(error).toMatchObject({
      failureClass,
      errcode: null,
      errmsg: `HTTP ${status}`,
      code: 'wechat_error',
      bytesSent: true,
    });
    expect(next.seen).toEqual([]);
  });

  it.each([301, 302, 307, 308])('of HTTP %i is not followed', async (status) => {
    const elsewhere = await answering(TOKEN_ANSWER);
    const server = await answering('', status, { Location: `${elsewhere.origin}/stolen` });
    expect(await fetchFailure(clientOf([server]))).toMatchObject({
      failureClass: 'transient',
      errmsg: `HTTP ${status}`,
      code: 'wechat_error',
    });
    expect(elsewhere.connections).toBe(0);
  });

  it.each([
    ['an HTML page', '<html><body>502</body></html>'],
    ['an empty body', ''],
    ['an array', '[]'],
    ['cut JSON', '{"access_token":"84_'],
    ['an errcode that is none', '{"errcode":"many"}'],
  ])('that is %s has an unknown outcome', async (_, body) => {
    const server = await answering(body);
    const next = await answering(TOKEN_ANSWER);
    expect(await fetchFailure(clientOf([server, next]))).toMatchObject({
      failureClass: 'unknown_outcome',
      errcode: null,
      errmsg: 'HTTP 200 with an answer that is not a JSON object',
      code: 'wechat_error',
      bytesSent: true,
    });
    expect(next.seen).toEqual([]);
  });

  it('of exactly 1 MiB is read', async () => {
    const server = await answering(`{"a":"${'x'.repeat(1024 * 1024 - 8)}"}`);
    expect(await clientOf([server]).get('/x', {})).toHaveProperty('a');
  });

  it.each([
    ['with a Content-Length', (r: http.ServerResponse, body: string) => r.end(body)],
    ['in chunks', (r: http.ServerResponse, body: string) => (r.write('{'), r.end(body.slice(1)))],
  ])('over 1 MiB %s has an unknown outcome', async (_, send) => {
    const body = `{"a":"${'x'.repeat(1024 * 1024 - 7)}"}`;
    const server = await wechat((response) => send(response, body));
    expect(await fetchFailure(clientOf([server]))).toMatchObject({
      failureClass: 'unknown_outcome',
      errmsg: 'the answer is cut off, or over 1 MiB',
      code: 'wechat_error',
    });
  });

  it('that is cut off has an unknown outcome', async () => {
    const server = await wechat((response) => {
      response.writeHead(200, { 'Content-Length': 100 });
      response.write('{"access_token"', () => response.destroy());
    });
    expect(await fetchFailure(clientOf([server]))).toMatchObject({
      failureClass: 'unknown_outcome',
      errmsg: 'the answer is cut off, or over 1 MiB',
      code: 'wechat_error',
    });
  });

  it('that is not HTTP has an unknown outcome', async () => {
    const server = await bareTcp((socket) => socket.end('SSH-2.0-OpenSSH_9\r\n'));
    expect(await fetchFailure(clientOf([server]))).toMatchObject({
      failureClass: 'unknown_outcome',
      code: 'wechat_unreachable',
      bytesSent: true,
    });
  });
});

describe('fail-over', () => {
  it('goes to the next host where the connection is refused', async () => {
    const first = await refusing();
    const second = await answering(TOKEN_ANSWER);
    expect(await fetchToken(clientOf([first, second]))).toHaveProperty('access_token', '84_x');
    expect(logged).toContainEqual({
      event: 'wechat_host_unreachable',
      call: 'GET /cgi-bin/token',
      host: first.host,
      reason: 'ECONNREFUSED',
    });
  });

  it('goes to the next host where the name does not resolve', async () => {
    // A label over 63 characters fails in the resolver of this machine, without a query.
    const second = await answering(TOKEN_ANSWER);
    const client = clientOf([`http://${'a'.repeat(64)}`, second]);
    expect(await fetchToken(client)).toHaveProperty('access_token', '84_x');
  });

  it('goes to the next host where TLS fails', async () => {
    const plain = await bareTcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const second = await answering(TOKEN_ANSWER);
    const client = clientOf([`https://${plain.host}`, second]);
    expect(await fetchToken(client)).toHaveProperty('access_token', '84_x');
    expect(plain.connections).toBe(1);
  });

  it('goes to the next host where no connection stands within the time-out', async () => {
    const silent = await bareTcp(() => undefined);
    const second = await answering(TOKEN_ANSWER);
    const client = clientOf([`https://${silent.host}`, second], { timeoutMs: 200 });
    expect(await fetchToken(client)).toHaveProperty('access_token', '84_x');
    expect(logged).toContainEqual(
      expect.objectContaining({ reason: 'no connection within 200 ms' }),
    );
  });

  it('stays where the host read the request and reset the connection', async () => {
    const first = await bareTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const second = await answering(TOKEN_ANSWER);
    expect(await fetchFailure(clientOf([first, second]))).toMatchObject({
      failureClass: 'unknown_outcome',
      errcode: null,
      errmsg: 'ECONNRESET',
      code: 'wechat_unreachable',
      bytesSent: true,
    });
    expect(second.connections).toBe(0);
  });

  it('stays where the host accepted the connection and closed it without a word', async () => {
    const first = await bareTcp((socket) => socket.destroy());
    const second = await answering(TOKEN_ANSWER);
    expect(await fetchFailure(clientOf([first, second]))).toMatchObject({
      failureClass: 'unknown_outcome',
      bytesSent: true,
    });
    expect(second.connections).toBe(0);
  });

  it('ends with all reasons where no host could be reached', async () => {
    const [first, second] = [await refusing(), await refusing()];
    expect(await fetchFailure(clientOf([first, second]))).toMatchObject({
      failureClass: 'transient',
      errcode: null,
      errmsg: `${first.host}: ECONNREFUSED; ${second.host}: ECONNREFUSED`,
      code: 'wechat_unreachable',
      bytesSent: false,
      retryAfterMs: undefined,
    });
  });
});

describe('time', () => {
  async function timed(call: Promise<WechatCallError>): Promise<[WechatCallError, number]> {
    const before = performance.now();
    const error = await call;
    return [error, performance.now() - before];
  }

  it('runs out on a host that never answers, and the next host is not asked', async () => {
    const hanging = await wechat(() => undefined);
    const next = await answering(TOKEN_ANSWER);
    const client = clientOf([hanging, next], { timeoutMs: 300 });
    const [error, ms] = await timed(fetchFailure(client));
    expect(error).toMatchObject({
      failureClass: 'unknown_outcome',
      errcode: null,
      errmsg: 'no whole answer within 300 ms',
      code: 'wechat_timeout',
      bytesSent: true,
    });
    expect(ms).toBeGreaterThan(290);
    expect(ms).toBeLessThan(600);
    expect(next.connections).toBe(0);
  });

  it('runs out on an answer that drips in', async () => {
    const dripping = await wechat((response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 20);
      response.on('close', () => {
        clearInterval(drip);
      });
    });
    const [error, ms] = await timed(fetchFailure(clientOf([dripping], { timeoutMs: 300 })));
    expect(error).toMatchObject({ failureClass: 'unknown_outcome', code: 'wechat_timeout' });
    expect(ms).toBeLessThan(600);
  });

  it('of the whole call is twice the time-out, fail-over included', async () => {
    const silent = await Promise.all([1, 2, 3].map(() => bareTcp(() => undefined)));
    const origins = silent.map(({ host }) => `https://${host}`);
    const [error, ms] = await timed(fetchFailure(clientOf(origins, { timeoutMs: 250 })));
    expect(error).toMatchObject({ failureClass: 'transient', code: 'wechat_unreachable' });
    expect(ms).toBeGreaterThan(480);
    expect(ms).toBeLessThan(800);
    expect(silent.map(({ connections }) => connections)).toEqual([1, 1, 0]);
  });

  it('of the whole call can be set', async () => {
    const hanging = await wechat(() => undefined);
    const [error, ms] = await timed(fetchFailure(clientOf([hanging]), { deadlineMs: 200 }));
    expect(error.code).toBe('wechat_timeout');
    expect(ms).toBeLessThan(500);
  });

  it('that is over before the call sends nothing', async () => {
    const server = await answering(TOKEN_ANSWER);
    expect(await fetchFailure(clientOf([server]), { deadlineMs: 0 })).toMatchObject({
      failureClass: 'transient',
      errmsg: 'no time was left for the call',
      bytesSent: false,
    });
    expect(server.connections).toBe(0);
  });

  it('ends when the caller says so', async () => {
    const caller = new AbortController();
    const hanging = await wechat(() => {
      caller.abort();
    });
    const next = await answering(TOKEN_ANSWER);
    const client = clientOf([hanging, next]);
    expect(await fetchFailure(client, { signal: caller.signal })).toMatchObject({
      failureClass: 'unknown_outcome',
      errmsg: 'given up by the caller',
      code: 'wechat_timeout',
      bytesSent: true,
    });
    expect(await fetchFailure(client, { signal: caller.signal })).toMatchObject({
      failureClass: 'transient',
      errmsg: 'given up by the caller',
      bytesSent: false,
    });
    expect([hanging.connections, next.connections]).toEqual([1, 0]);
  });
});

describe('the proxy', () => {
  interface Connect {
    target: string | undefined;
    authorization: string | undefined;
  }

  async function proxy(reply: string): Promise<Server & { connects: Connect[] }> {
    const connects: Connect[] = [];
    const server = http.createServer();
    server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
      connects.push({
        target: request.url,
        authorization: request.headers['proxy-authorization'],
      });
      socket.end(reply);
    });
    return Object.assign(await start(server), { connects });
  }

  const REFUSAL = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n';

  it('is asked to connect to an https host; its refusal means that nothing was sent', async () => {
    const server = await proxy(REFUSAL);
    const client = clientOf(['https://api.weixin.qq.com', 'https://api2.weixin.qq.com'], {
      httpsProxy: `http://me:p%40ss@${server.host}`,
    });
    const error = await fetchFailure(client);
    const reason = 'the proxy of HTTPS_PROXY answered CONNECT with HTTP 403';
    expect(error).toMatchObject({
      failureClass: 'transient',
      errmsg: `api.weixin.qq.com: ${reason}; api2.weixin.qq.com: ${reason}`,
      code: 'wechat_unreachable',
      bytesSent: false,
    });
    const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(server.connects).toEqual([
      { target: 'api.weixin.qq.com:443', authorization },
      { target: 'api2.weixin.qq.com:443', authorization },
    ]);
    expect(inspect(error)).not.toMatch(/p@ss|p%40ss/);
  });

  it('that lets through what is not TLS means that nothing was sent', async () => {
    const server = await proxy('HTTP/1.1 200 OK\r\n\r\nno TLS here at all');
    const next = await answering(TOKEN_ANSWER);
    const client = clientOf(['https://api.weixin.qq.com', next], { httpsProxy: server.origin });
    expect(await fetchToken(client)).toHaveProperty('access_token', '84_x');
    expect(server.connects).toHaveLength(1);
  });

  it('that never answers is cut off by the time-out', async () => {
    const silent = await bareTcp(() => undefined);
    const client = clientOf(['https://api.weixin.qq.com'], {
      httpsProxy: silent.origin,
      timeoutMs: 150,
    });
    expect(await fetchFailure(client)).toMatchObject({
      errmsg: 'api.weixin.qq.com: no connection within 150 ms',
      bytesSent: false,
    });
  });

  it('is not used for a host that NO_PROXY excludes, nor for plain http', async () => {
    const server = await proxy(REFUSAL);
    const direct = await bareTcp((socket) => socket.end('no TLS'));
    const plain = await answering(TOKEN_ANSWER);
    const client = clientOf([`https://${direct.host}`, plain], {
      httpsProxy: server.origin,
      noProxy: '127.0.0.1',
    });
    expect(await fetchToken(client)).toHaveProperty('access_token', '84_x');
    expect([direct.connections, server.connections]).toEqual([1, 0]);
  });

  it('is never taken from the variables of the process', async () => {
    const { env } = process;
    const server = await answering('{"from":"proxy"}');
    const plain = await answering(TOKEN_ANSWER);
    const names = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].filter((n) => !(n in env));
    try {
      for (const name of names) {
        env[name] = server.origin;
      }
      expect(await fetchToken(clientOf([plain]))).toHaveProperty('access_token', '84_x');
    } finally {
      for (const name of names) {
        Reflect.deleteProperty(env, name);
      }
    }
    expect(server.connections).toBe(0);
  });
});

describe('secrets', () => {
  const shown = (value: unknown): string =>
    [
      inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity }),
      JSON.stringify(value),
      value instanceof Error ? `${String(value)} ${value.stack ?? ''}` : '',
    ].join('\n');

  function expectNoSecret(text: string): void {
    for (const secret of [SECRET, encodeURIComponent(SECRET), TOKEN]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString('base64'));
    }
  }

  const echo = JSON.stringify({
    errcode: 40001,
    errmsg: `bad ${SECRET} ${encodeURIComponent(SECRET)} and ${TOKEN}\r\n rid: 1`,
  });

  it.each<[string, () => Promise<Server>]>([
    ['an errcode whose errmsg echoes them', () => answering(echo)],
    ['HTTP 500', () => answering(SECRET, 500)],
    ['a page', () => answering(`<html>${SECRET}`)],
    ['a cut answer', () => wechat((r) => (r.writeHead(200, { 'Content-Length': 9 }), r.destroy()))],
    ['an answer over 1 MiB', () => answering('x'.repeat(2_000_000))],
    ['a redirect', () => answering('', 302, { Location: `/?secret=${SECRET}` })],
    ['a reset', () => bareTcp((s) => s.once('data', () => s.resetAndDestroy()))],
    ['a time-out', () => wechat(() => undefined)],
    ['a refused connection', () => refusing()],
  ])('are in no error and no log line after %s', async (_, startServer) => {
    const client = clientOf([await startServer()], { timeoutMs: 300 });
    const query = { appid: 'wx1', secret: SECRET, access_token: TOKEN };
    const errors = [
      await failureOf(client.get('/cgi-bin/token', query, { call: 'fetch' })),
      await failureOf(client.post('/cgi-bin/x', { access_token: TOKEN }, { appsecret: SECRET })),
    ];
    for (const error of errors) {
      expect(error.cause).toBeUndefined();
      expectNoSecret(shown(error));
    }
    expectNoSecret(shown(logged));
  });

  it('echoed by WeChat are replaced in its errmsg, which keeps its rid', async () => {
    const client = clientOf([await answering(echo)]);
    const error = await failureOf(client.get('/x', { secret: SECRET, access_token: TOKEN }));
    expect(error.errmsg).toBe('bad [redacted] [redacted] and [redacted] rid: 1');
  });
});
