import { afterEach, describe, expect, it } from '@jest/globals';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectSecurely } from 'node:tls';
import {
  refuseConnection,
  SERVER_TIMES,
  ServerFactory,
  type ServerTimes,
} from './server-factory.js';

const TLS = {
  certFile: resolve('test/support/localhost.cert.pem'),
  keyFile: resolve('test/support/localhost.key.pem'),
};
/** Short, since these tests wait for the limit; without it, what they send would never end. */
const SOON = { ...SERVER_TIMES, requestMs: 50, lookEveryMs: 10, handshakeMs: 50 };

let factory: ServerFactory;
let server: Server;
const clients: Socket[] = [];

afterEach(async () => {
  clients.splice(0).forEach((client) => client.destroy());
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** Far more than a socket takes without its other side reading. */
const PAGE = Buffer.alloc(4 * 1024 * 1024, 'x');

let begun = 0;

async function serve({
  tls,
  host = '127.0.0.1',
  times = SERVER_TIMES,
}: {
  tls?: typeof TLS;
  host?: string;
  times?: ServerTimes;
} = {}): Promise<void> {
  factory = new ServerFactory({ tls }, times);
  server = factory.create((request, response) => {
    request.resume();
    begun += 1;
    request.on('end', () => response.end(request.url === '/page' ? PAGE : 'whole'));
  });
  // As Fastify does.
  server.on('clientError', refuseConnection);
  server.listen(0, host);
  await once(server, 'listening');
}

function open(host = '127.0.0.1'): Socket {
  const client = connect((server.address() as AddressInfo).port, host);
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

describe('the server', () => {
  it('ends a TLS handshake that does not end', async () => {
    await serve({ tls: TLS, times: SOON });
    const silent = open();
    await once(silent, 'close');
    expect(silent.bytesRead).toBe(0);
  });

  it('speaks authenticated encryption alone', async () => {
    await serve({ tls: TLS });
    const { port } = server.address() as AddressInfo;
    const offer = (ciphers: string): Promise<unknown[]> => {
      const client = connectSecurely({
        port,
        host: '127.0.0.1',
        ciphers,
        maxVersion: 'TLSv1.2',
        rejectUnauthorized: false,
      });
      clients.push(client);
      return once(client, 'secureConnect');
    };
    await expect(offer('ECDHE-ECDSA-AES128-GCM-SHA256')).resolves.toEqual([]);
    await expect(offer('ECDHE-ECDSA-AES128-SHA256')).rejects.toMatchObject({
      code: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    });
  });

  it.each([
    ['a head', 'POST / HTTP/1.1\r\nHost: x\r\nX: '],
    ['a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf'],
  ])('ends a request whose %s does not end', async (_, begun) => {
    await serve({ times: SOON });
    const client = open();
    client.write(begun);
    expect(await text(client)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  it('answers anything but HTTP with a bare 400 and closes the connection', async () => {
    await serve();
    const client = open();
    client.write('nonsense\r\n\r\n');
    expect(await text(client)).toBe(
      'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\n\r\n',
    );
  });

  it('answers a connection that reads nothing once, however many requests it sends', async () => {
    begun = 0;
    await serve();
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = open();
    client.pause();
    client.write('GET /page HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200));
    const [socket] = await accepted;
    while (socket.bytesRead < 200 * 30 || socket.writableLength === 0) {
      await turn();
    }
    expect(begun).toBe(1);
  });

  it('listens on every address of localhost', async () => {
    await serve({ host: 'localhost' });
    await factory.listenOnOthers('localhost');
    for (const { address } of await lookup('localhost', { all: true })) {
      const client = open(address);
      client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      expect(await text(client)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    }
  });
});
