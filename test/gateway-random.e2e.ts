import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { makeClient } from './support/clients.js';
import { APP_ID, startService, type Service } from './support/service.js';

/*
 * 100,000 random calls near the rules, over real connections: what reaches WeChat's side is what a rule lists, by an
 * oracle that knows nothing of the gateway's code.
 */

const CALLS = 100_000;
const SOCKETS = 16;

const ALLOW = [
  'POST /cgi-bin/draft/*',
  'GET /cgi-bin/user/info',
  '* /wxa/*/list',
  'GET /cgi-bin/x',
];
const SEGMENTS = [
  ...[
    'cgi-bin',
    'draft',
    'add',
    'user',
    'info',
    'wxa',
    'list',
    'x',
    'token',
    'stable_token',
    'sns',
  ],
  ...['clear_quota', 'component', 'ticket', 'getticket', 'jscode2session', 'CGI-BIN', 'Draft', ''],
  ...[
    '.',
    '..',
    '%2e%2e',
    '%2E',
    '%2f',
    '%5c',
    '\\\\',
    '%00',
    '%0a',
    ';x=1',
    '%74oken',
    '%25',
    '*',
  ],
  ...['%E4%BD%A0', '%c0%ae', '~', 'a'.repeat(300), ':80', '@host', '//evil.example'],
];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD'];

let upstream: Server;
let service: Service;
let key: string;
let handle: string;
const arrived = new Map<string, number>();

beforeAll(async () => {
  const token = JSON.stringify({ access_token: `84_${'x'.repeat(133)}`, expires_in: 7_200 });
  upstream = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const isFetch = path === '/cgi-bin/stable_token' && request.headers.accept !== 'random';
    if (!isFetch) {
      const call = `${request.method} ${path}`;
      arrived.set(call, (arrived.get(call) ?? 0) + 1);
    }
    request.resume();
    response.setHeader('content-type', 'application/json');
    response.end(isFetch ? token : '{"errcode":0}');
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  service = await startService({ url: `http://127.0.0.1:${port}` });
  await service.ready();
  const gateway = { allow: ALLOW, per_minute: 100_000 };
  ({ key } = await makeClient(service, { scopes: ['gateway'], gateway }));
  const path = `/cgi-bin/token?grant_type=client_credential&appid=${APP_ID}&secret=${key}`;
  ({ access_token: handle } = (await service.call<{ access_token: string }>('GET', path)).body);
  expect(handle).toMatch(/^wtch_/);
});
afterAll(async () => {
  await service.close();
  upstream.closeAllConnections();
  upstream.close();
});

/** The rules of above, said again, on what arrived. */
function isListed(call: string): boolean {
  const [method = '', path = ''] = call.split(' ');
  return (
    (method === 'POST' && /^\/cgi-bin\/draft\/[^/]+(?:\/[^/]+)*$/.test(path)) ||
    call === 'GET /cgi-bin/user/info' ||
    call === 'GET /cgi-bin/x' ||
    /^\/wxa\/[^/]+\/list$/.test(path)
  );
}

/** Nothing of a path that arrived may mean another path to a lenient server. */
function isPlain(path: string): boolean {
  return (
    !/\/\/|\/\.\.?(?:\/|$)|[\\;#\0-\x20]|%(?:[0-7])/i.test(path) &&
    !/\/component(?:\/|$)/i.test(path)
  );
}

/** Reproducible, so that a failure can be seen again. */
function randomSource(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

function randomPath(random: (below: number) => number): string {
  const known = ['/cgi-bin/draft/add', '/cgi-bin/user/info', '/wxa/business/list', '/cgi-bin/x'];
  if (random(4) === 0) {
    const path = known[random(known.length)] ?? '';
    const at = random(path.length);
    return random(3) === 0
      ? path
      : path.slice(0, at) + (SEGMENTS[random(SEGMENTS.length)] ?? '') + path.slice(at + random(2));
  }
  return Array.from(
    { length: 1 + random(5) },
    () => `/${SEGMENTS[random(SEGMENTS.length)] ?? ''}`,
  ).join('');
}

function requestOf(random: (below: number) => number): string {
  const path = randomPath(random);
  const method = METHODS[random(METHODS.length)] ?? 'GET';
  const isByKey = random(2) === 0;
  const origin = random(20) === 0 ? 'http://evil.example' : '';
  const target = isByKey
    ? `${origin}/v1/accounts/${APP_ID}/gateway${path}`
    : `${origin}${path}?access_token=${handle}`;
  const authorization = isByKey ? `Authorization: Bearer ${key}\r\n` : '';
  return `${method} ${target} HTTP/1.1\r\nHost: h\r\nAccept: random\r\n${authorization}Content-Length: 0\r\n\r\n`;
}

/** One after the other on a connection, which is made anew where the server ends it. */
async function sendAll(seed: number, count: number): Promise<number> {
  const random = randomSource(seed);
  let socket: Socket | undefined;
  let answered = 0;
  for (let sent = 0; sent < count; sent += 1) {
    if (socket === undefined || socket.destroyed) {
      const { hostname, port } = new URL(service.url);
      socket = connect({ host: hostname, port: Number(port), noDelay: true });
      socket.on('error', () => undefined);
      await once(socket, 'connect');
    }
    const used = socket;
    const done = new Promise<boolean>((resolve) => {
      const onData = (): void => {
        used.off('close', onClose);
        resolve(true);
      };
      const onClose = (): void => {
        used.off('data', onData);
        resolve(false);
      };
      used.once('data', onData);
      used.once('close', onClose);
    });
    used.write(requestOf(random));
    answered += (await done) ? 1 : 0;
  }
  socket?.destroy();
  return answered;
}

it('of 100,000 random calls none reaches a path that no rule lists', async () => {
  const counts = await Promise.all(
    Array.from({ length: SOCKETS }, (_, index) => sendAll(index + 1, CALLS / SOCKETS)),
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(CALLS * 0.95);
  const calls = [...arrived.keys()];
  expect(calls.filter((call) => !isListed(call))).toEqual([]);
  expect(calls.filter((call) => !isPlain(call.split(' ')[1] ?? ''))).toEqual([]);
  // Some were allowed, or the test would show nothing.
  expect(calls.length).toBeGreaterThan(20);
  expect(arrived.get('POST /cgi-bin/draft/add')).toBeGreaterThan(100);
  // 20 s on two idle cores.
}, 600_000);
