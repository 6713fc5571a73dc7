import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { Agent, createServer, request as send, Server, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { ClientGuard } from '../src/access/client.guard.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  startService,
  type Service,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';
import { cases } from './support/thorough.js';

/*
 * The same service twice: as it is, with the listener that answers plain reads before Fastify, and behind a server
 * that hands everything to Fastify. Both have to answer alike.
 */

const REQUESTS = cases({ usual: 2_000, thorough: 20_000 });
const PATH = `/v1/accounts/${APP_ID}/access-token`;

interface Sent {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn; a name may stand twice. */
  readonly headers: readonly string[];
}

interface Got {
  readonly status: number | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

let wechat: Simulator;
let service: Service;
let fastifyAlone: Server;
let limitedKey: string;
let etag: string;
const agent = new Agent({ keepAlive: true });

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  service = await startService(wechat, { TRUSTED_PROXIES: '127.0.0.0/8' });
  await service.ready();
  const fastify = service.app.getHttpAdapter().getInstance();
  fastifyAlone = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    fastify.routing(request, response);
  }).listen(0, '127.0.0.1');
  await once(fastifyAlone, 'listening');
  const created = await service.call<{ key: string }>('POST', '/v1/admin/clients', {
    key: ADMIN_KEY,
    body: { id: 'other', name: 'other', scopes: ['ip:read'], accounts: ['wx00000000000000aa'] },
  });
  limitedKey = created.body.key;
  etag = (await get({ method: 'GET', path: PATH, headers: bearer(CLIENT_KEY) })).headers
    .etag as string;
}, 60_000);
afterAll(async () => {
  agent.destroy();
  fastifyAlone.close();
  await service.close();
  await wechat.close();
});

function bearer(key: string): string[] {
  return ['Authorization', `Bearer ${key}`];
}

async function get({ method, path, headers }: Sent, port = portOf(service)): Promise<Got> {
  const request = send({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: ['Host', 'localhost', ...headers],
    agent,
  });
  request.end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
}

function portOf(server: Service | Server): number {
  const http = server instanceof Server ? server : server.app.getHttpServer();
  return (http.address() as AddressInfo).port;
}

/** What differs from one moment or request to the next is taken out. */
function comparable({ status, headers, body }: Got): unknown {
  const { date, 'x-request-id': id, 'retry-after': retryAfter, ...others } = headers;
  return {
    status,
    headers: Object.entries(others).sort(([one], [other]) => (one < other ? -1 : 1)),
    has: [date !== undefined, id !== undefined, retryAfter !== undefined],
    body: body
      .replace(/"expires_in":\d+/, '"expires_in":…')
      .replace(/"error_id":"[^"]*"/, '"error_id":"…"'),
  };
}

/** Each with an address of its own, so that the limit of failed keys does not depend on what came before. */
let address = 0;
function fromSomewhere(): string[] {
  address += 1;
  return ['X-Forwarded-For', `10.${address >> 16}.${(address >> 8) & 255}.${address & 255}`];
}

async function expectAlike(sent: Sent): Promise<Got> {
  const [withIt, without] = [await get(sent), await get(sent, portOf(fastifyAlone))];
  expect({ sent, got: comparable(withIt) }).toEqual({ sent, got: comparable(without) });
  return withIt;
}

describe('the read listener', () => {
  it('answers 200 and 304 as Nest does, header by header', async () => {
    const read = await expectAlike({ method: 'GET', path: PATH, headers: bearer(CLIENT_KEY) });
    expect(read.status).toBe(200);
    expect(Object.keys(read.headers).sort()).toEqual([
      'cache-control',
      'connection',
      'content-length',
      'content-type',
      'date',
      'etag',
      'keep-alive',
      'x-content-type-options',
      'x-request-id',
    ]);
    const unchanged = await expectAlike({
      method: 'GET',
      path: PATH,
      headers: ['X-API-Key', CLIENT_KEY, 'If-None-Match', etag],
    });
    expect(unchanged).toMatchObject({ status: 304, body: '' });
  });

  it('answers plain reads itself: no guard of Nest sees them', async () => {
    const guard = jest.spyOn(ClientGuard.prototype, 'canActivate');
    try {
      const plain = { method: 'GET', path: PATH, headers: bearer(CLIENT_KEY) };
      expect((await get(plain)).status).toBe(200);
      expect(
        (await get({ ...plain, headers: [...plain.headers, 'If-None-Match', etag] })).status,
      ).toBe(304);
      expect(guard).not.toHaveBeenCalled();
      expect((await get({ ...plain, path: `${PATH}?wait=0` })).status).toBe(200);
      expect(guard).toHaveBeenCalledTimes(1);
    } finally {
      guard.mockRestore();
    }
  });

  it('refuses a key from the moment of its revocation, however often it was good before', async () => {
    const { body } = await service.call<{ key: string }>('POST', '/v1/admin/clients', {
      key: ADMIN_KEY,
      body: { id: 'leaver', name: 'leaver', scopes: ['token:read'] },
    });
    const sent = { method: 'GET', path: PATH, headers: [...bearer(body.key), ...fromSomewhere()] };
    const guard = jest.spyOn(ClientGuard.prototype, 'canActivate');
    try {
      expect([(await get(sent)).status, (await get(sent)).status]).toEqual([200, 200]);
      expect(guard).not.toHaveBeenCalled();
    } finally {
      guard.mockRestore();
    }
    await service.call('DELETE', '/v1/admin/clients/leaver', { key: ADMIN_KEY });
    expect([(await get(sent)).status, (await get(sent)).status]).toEqual([401, 401]);
  });

  it('counts what it answers like every other read', async () => {
    const counted = async (): Promise<number> => {
      const { body } = await get({ method: 'GET', path: '/metrics', headers: bearer(CLIENT_KEY) });
      const line =
        /^wechat_token_center_http_request_duration_seconds_count\{method="GET",route="\/v1\/accounts\/:app_id\/access-token",status_class="2xx"\} (\d+)$/m;
      return Number(line.exec(body)?.[1]);
    };
    const before = await counted();
    const sent = { method: 'GET', path: PATH, headers: bearer(CLIENT_KEY) };
    await get(sent);
    await get(sent, portOf(fastifyAlone));
    expect(await counted()).toBe(before + 2);
  });

  it(`answers ${REQUESTS} random requests as Fastify alone does`, async () => {
    const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!;
    const methods = ['GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE', 'get'];
    const paths = [
      ...[PATH, PATH, PATH, PATH, `${PATH}?wait=0`, `${PATH}?`, `${PATH}/`, `/${PATH}`],
      ...['/v1/accounts/wx00000000000000aa/access-token', '/v1/accounts//access-token'],
      ...[PATH.replace('wx', '%77x'), PATH.toUpperCase(), `${PATH}#x`, '/v1/accounts/access-token'],
      ...[`${PATH}/report`, '/healthz', PATH.replace('/v1', '/v1/../v1')],
    ];
    const headers = [
      ...[bearer(CLIENT_KEY), bearer(CLIENT_KEY), ['X-API-Key', CLIENT_KEY], bearer(limitedKey)],
      ...[bearer(ADMIN_KEY), bearer('nobody'), ['authorization', `bearer ${CLIENT_KEY} `], []],
      ...[
        ['Authorization', `Basic ${CLIENT_KEY}`],
        ['Authorization', 'Bearer'],
        ['X-API-Key', ''],
      ],
      [...bearer(CLIENT_KEY), 'X-API-Key', CLIENT_KEY],
      [...bearer(CLIENT_KEY), 'X-API-Key', 'other'],
    ];
    const more = [
      ...[[], [], [], ['If-None-Match', etag], ['if-none-match', `W/${etag}`]],
      ...[
        ['If-None-Match', '*'],
        ['If-None-Match', '"x"'],
        ['If-None-Match', `"x", ${etag}`],
      ],
      ...[
        ['If-None-Match', etag, 'If-None-Match', '"x"'],
        ['X-Request-Id', 'id-1'],
      ],
      ...[
        ['Accept', 'text/plain'],
        ['Range', 'bytes=0-1'],
        ['Connection', 'close'],
      ],
      ...[
        ['Content-Length', '0'],
        ['Accept-Encoding', 'gzip'],
        ['Cookie', 'a=b'],
      ],
    ];
    for (let number = 0; number < REQUESTS; number += 1) {
      const sent = {
        method: pick(methods),
        path: pick(paths),
        headers: [...pick(headers), ...pick(more), ...fromSomewhere()],
      };
      if (sent.method !== 'get') {
        await expectAlike(sent);
      }
    }
  }, 300_000);

  it('leaves HTTP/1.0, two Hosts and two keys to Fastify', async () => {
    const raw = async (lines: readonly string[], port: number): Promise<string> => {
      const socket = connect(port, '127.0.0.1');
      socket.end(`${lines.join('\r\n')}\r\n\r\n`);
      const answer = await text(socket);
      return answer.replace(/^(date|x-request-id): .*$/gim, '').replace(/"expires_in":\d+/, '');
    };
    const key = `Authorization: Bearer ${CLIENT_KEY}`;
    for (const lines of [
      [`GET ${PATH} HTTP/1.0`, 'Host: x', key],
      [`GET ${PATH} HTTP/1.0`, key],
      [`GET ${PATH} HTTP/1.1`, 'Host: x', 'Host: y', key, 'Connection: close'],
      [`GET ${PATH} HTTP/1.1`, 'Host: x', key, key, 'Connection: close'],
      [`GET ${PATH} HTTP/1.1`, 'Host: x', key, 'X-API-Key: other', 'Connection: close'],
    ]) {
      expect(await raw(lines, portOf(service))).toBe(await raw(lines, portOf(fastifyAlone)));
    }
  });
});
