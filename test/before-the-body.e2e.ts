import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  startService,
  type Service,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

const REPORT = `/v1/accounts/${APP_ID}/access-token/report`;
const KEY = `Authorization: Bearer ${CLIENT_KEY}`;
const JSON_TYPE = 'Content-Type: application/json';

let wechat: Simulator;
let service: Service;

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  service = await startService(wechat, { LOG_LEVEL: 'info' });
  await service.ready();
});
afterAll(async () => {
  await service.close();
  await wechat.close();
});

function open(): Socket {
  const { hostname, port } = new URL(service.url);
  return connect(Number(port), hostname);
}

function head(first: string, ...headers: readonly string[]): string {
  return [`${first} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');
}

/** The status of what is answered while the body has not been sent. */
async function answerBeforeTheBody(...headers: readonly string[]): Promise<number> {
  const socket = open();
  socket.write(head(`POST ${REPORT}`, ...headers));
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(first.toString())?.[1]);
}

async function whole(request: string): Promise<string> {
  const socket = open();
  socket.end(request);
  return text(socket);
}

describe('a request with a body', () => {
  it.each([
    [401, 'no key', [JSON_TYPE, 'Content-Length: 100']],
    [401, 'an unknown key', ['X-API-Key: nobody', JSON_TYPE, 'Content-Length: 100']],
    [415, 'another media type', [KEY, 'Content-Type: text/plain', 'Content-Length: 100']],
    [415, 'a compressed body', [KEY, JSON_TYPE, 'Content-Encoding: gzip', 'Content-Length: 100']],
    [413, 'too long a body', [KEY, JSON_TYPE, 'Content-Length: 20000']],
  ])('is answered %i before it is read: %s', async (status, _, headers) => {
    expect(await answerBeforeTheBody(...headers)).toBe(status);
  });

  it('is not logged as an error when its sender disconnects', async () => {
    const before = service.logged;
    for (let sent = 0; sent < 20; sent += 1) {
      const socket = open();
      socket.write(`${head(`POST ${REPORT}`, KEY, JSON_TYPE, 'Content-Length: 100')}{"half`);
      await once(socket, 'connect');
      socket.destroy();
      await once(socket, 'close');
    }
    // Answered after all of them, so that they have been seen.
    expect((await service.read()).status).toBe(200);
    expect(service.logged.slice(before.length)).not.toContain('"level":"error"');
  });
});

it.each([
  ['Host', ['Host: y', KEY]],
  ['Authorization', [KEY, KEY]],
  ['X-API-Key', [`X-API-Key: ${CLIENT_KEY}`, `x-api-key: ${CLIENT_KEY}`]],
])('two %s headers are refused', async (name, headers) => {
  const path = `/v1/accounts/${APP_ID}/access-token`;
  const answer = await whole(head(`GET ${path}`, ...headers, 'Connection: close'));
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain(
    `{"path":"headers.${name.toLowerCase()}","message":"sent twice; send it once"}`,
  );
});

it.each([
  ['GET', `/v1/admin/accounts`, ADMIN_KEY],
  ['GET', `/v1/accounts/${APP_ID}/ip-list`, CLIENT_KEY],
  ['GET', `/v1/admin/accounts`, CLIENT_KEY],
  ['GET', '/v1/nothing', ADMIN_KEY],
  ['DELETE', `/v1/accounts/${APP_ID}/access-token`, CLIENT_KEY],
])('%s %s is stored by nobody', async (method, path, key) => {
  const { headers } = await service.call(method, path, { key });
  expect(headers.get('cache-control')).toBe('no-store');
});

it('a key in X-Request-Id is neither logged nor answered', async () => {
  for (const id of [ADMIN_KEY, `x-${CLIENT_KEY}`, `wtc_${'a1'.repeat(20)}`]) {
    const { headers } = await service.call('POST', REPORT, {
      key: CLIENT_KEY,
      headers: { 'x-request-id': id },
      body: { version: 1, errcode: 40001 },
    });
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{12}-[0-9a-z]+$/);
    expect(service.logged).not.toContain(id);
  }
});
