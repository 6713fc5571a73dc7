import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { endStillConnections, inTurn } from './connections.js';

const PAGE = Buffer.alloc(4 * 1024 * 1024, 'x');
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

let server: Server;
let client: Socket;

afterEach(async () => {
  client.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function serve(listener: RequestListener): Promise<void> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = (await open()).client;
}

/** A connection, by both of its ends. */
async function open(): Promise<{ client: Socket; accepted: Socket }> {
  const connection = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  // The server may cut it off.
  socket.on('error', () => undefined);
  const [accepted] = await connection;
  return { client: socket, accepted };
}

describe('a client that sends requests and reads no answer', () => {
  it('has one answer waiting, however many it sends', async () => {
    let begun = 0;
    await serve(
      inTurn((_, response) => {
        begun += 1;
        response.end(PAGE);
      }),
    );
    const accepted = once(server, 'request');
    client.pause();
    for (let sent = 0; sent < 20; sent += 1) {
      client.write(REQUEST.repeat(100));
    }
    await accepted;
    // What the server has been sent is parsed within a few turns; nothing of it is begun.
    for (let turns = 0; turns < 1_000; turns += 1) {
      await turn();
    }
    expect(begun).toBe(1);
  });

  it('gets every answer, in order, once it reads', async () => {
    let begun = 0;
    await serve(
      inTurn((_, response) => {
        begun += 1;
        response.setHeader('number', begun);
        response.end('y'.repeat(10_000));
      }),
    );
    client.pause();
    client.write(REQUEST.repeat(100));
    let text = '';
    client.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    client.resume();
    while ((text.match(/^number: /gm)?.length ?? 0) < 100 || !text.endsWith('y')) {
      await once(client, 'data');
    }
    const numbers = [...text.matchAll(/^number: (\d+)/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it('is cut off when it takes nothing for as long as the limit, and an idle one is not', async () => {
    await serve((_, response) => {
      response.end(PAGE);
    });
    endStillConnections(server, { unreadMs: 30, silentMs: 60_000, lookEveryMs: 10 });
    const idle = (await open()).client;
    const closed = once(idle, 'close');
    client.destroy();
    const stuck = await open();
    client = stuck.client;
    client.pause();
    client.write(REQUEST);
    await once(stuck.accepted, 'close');
    expect(stuck.accepted.bytesWritten).toBeGreaterThan(PAGE.length);
    expect(idle.closed).toBe(false);
    idle.destroy();
    await closed;
  });

  it('is cut off when it takes nothing and goes on sending', async () => {
    let sent = 0;
    await serve((_, response) => {
      response.end(PAGE);
    });
    endStillConnections(server, { unreadMs: 30, silentMs: 60_000, lookEveryMs: 10 });
    client.destroy();
    const stuck = await open();
    client = stuck.client;
    client.pause();
    client.write(REQUEST);
    // Empty lines before a request are skipped (RFC 9112, 2.2), so no limit of Node's ends this.
    const dribble = setInterval(() => {
      sent += 2;
      client.write('\r\n');
    }, 5);
    await once(stuck.accepted, 'close');
    clearInterval(dribble);
    expect(sent).toBeGreaterThan(0);
  });
});

describe('a connection on which nothing moves', () => {
  const SILENT = { unreadMs: 60_000, silentMs: 30, lookEveryMs: 10 };

  it.each([
    ['has sent nothing', ''],
    ['waits for its answer', REQUEST],
  ])('is ended when it %s', async (_, begun) => {
    await serve(() => undefined);
    endStillConnections(server, SILENT);
    client.destroy();
    const silent = await open();
    client = silent.client;
    client.write(begun);
    await once(silent.accepted, 'close');
    expect(silent.accepted.bytesRead).toBe(begun.length);
  });

  it('is not ended while an answer goes on', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'setTimeout'] });
    try {
      const answers: ServerResponse[] = [];
      await serve((_, response) => {
        answers.push(response);
      });
      endStillConnections(server, SILENT);
      client.destroy();
      client = (await open()).client;
      const asked = once(server, 'request');
      client.write(REQUEST);
      await asked;
      for (let pieces = 0; pieces < 10; pieces += 1) {
        const arrived = once(client, 'data');
        answers[0]?.write('more');
        await arrived;
        jest.advanceTimersByTime(20);
      }
      answers[0]?.end();
      await once(client, 'data');
      expect(client.closed).toBe(false);
    } finally {
      jest.useRealTimers();
    }
  });
});
