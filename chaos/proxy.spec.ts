import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import {
  createConnection,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { Gate } from './gate.js';
import { FaultyProxy } from './proxy.js';

let target: Server;
let received: string;
let heard: () => void;
let hearing: Promise<void>;
let proxy: FaultyProxy;
let clients: Socket[];
let called: Promise<{ path: string }>;

beforeEach(async () => {
  received = '';
  clients = [];
  hearing = new Promise((resolve) => {
    heard = resolve;
  });
  target = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received += chunk.toString();
      heard();
      socket.write('0123456789');
    });
  });
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  proxy = await startProxy();
});
afterEach(async () => {
  for (const client of clients) {
    client.destroy();
  }
  await proxy.close();
  target.close();
  await once(target, 'close');
});

/** `called` is then about this one. */
function startProxy(gate = new Gate()): Promise<FaultyProxy> {
  let tellCall: (call: { path: string }) => void = () => undefined;
  called = new Promise((resolve) => {
    tellCall = resolve;
  });
  return FaultyProxy.start({
    target: { host: '127.0.0.1', port: (target.address() as AddressInfo).port },
    dropsWhenAbandoned: false,
    delayMs: 150,
    gate,
    onCall: (call) => {
      tellCall(call);
    },
  });
}

async function connect(): Promise<Socket> {
  const client = createConnection({ host: '127.0.0.1', port: proxy.port });
  clients.push(client);
  client.on('error', () => undefined);
  await once(client, 'connect');
  return client;
}

/** What comes until so many bytes are there or the connection ends. */
function answer(client: Socket, bytes = 10): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    client.on('data', (chunk) => {
      text += chunk.toString();
      if (text.length >= bytes) {
        resolve(text);
      }
    });
    client.once('close', () => {
      resolve(text);
    });
  });
}

/** However it ends: `once` of events would reject on a reset. */
function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
}

async function ask(): Promise<string> {
  const client = await connect();
  client.write('GET /cgi-bin/token?secret=x HTTP/1.1\r\n\r\n');
  return answer(client);
}

describe('a proxy', () => {
  it('passes everything on, and tells which path was called, without its query', async () => {
    expect(await ask()).toBe('0123456789');
    expect(proxy.isCarrying('/cgi-bin/token')).toBe(true);
    clients[0]?.destroy();
    expect(await called).toMatchObject({ path: '/cgi-bin/token' });
  });

  it('refuses connections and resets those there are, until the fault is over', async () => {
    const before = await connect();
    const closed = untilClosed(before);
    const end = proxy.strike('refuse');
    await closed;
    const refused = createConnection({ host: '127.0.0.1', port: proxy.port });
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    await end();
    expect(await ask()).toBe('0123456789');
  });

  it('resets what is connected, and takes new connections', async () => {
    const before = await connect();
    const closed = untilClosed(before);
    await proxy.strike('reset')();
    await closed;
    expect(await ask()).toBe('0123456789');
  });

  it('cuts an answer in the middle', async () => {
    proxy.strike('cut');
    expect(await ask()).toBe('01234');
  });

  it('holds bytes while it is frozen, and delivers them afterwards though the sender has left', async () => {
    const end = proxy.strike('freeze');
    const client = await connect();
    client.write('late');
    client.end();
    await once(client, 'finish');
    expect(received).toBe('');
    await end();
    await hearing;
    expect(received).toBe('late');
  });

  it('leaves nothing open when it is closed at any moment of the end of a connection', async () => {
    const last = proxy;
    for (let moment = 0; moment < 20; moment += 1) {
      proxy = await startProxy();
      const before = called;
      await ask();
      clients.at(-1)?.destroy();
      await before;
      for (let step = 0; step < moment; step += 1) {
        await Promise.resolve();
      }
      // What libuv would not close keeps this from ending, as it would keep the process.
      await proxy.close();
    }
    proxy = last;
  });

  it('holds one answer back at its gate, until that is opened', async () => {
    const gate = new Gate();
    const last = proxy;
    proxy = await startProxy(gate);
    const arrived = gate.hold({ what: 'answer', request: /^GET .cgi-bin.token/ });
    let isAnswered = false;
    const asked = ask().finally(() => {
      isAnswered = true;
    });
    await arrived;
    expect(received).toContain('GET /cgi-bin/token');
    expect(await ask()).toBe('0123456789');
    expect(isAnswered).toBe(false);
    gate.release();
    expect(await asked).toBe('0123456789');
    await proxy.close();
    proxy = last;
  });

  it('takes longer while it is slow', async () => {
    proxy.strike('delay');
    const startedAt = performance.now();
    expect(await ask()).toBe('0123456789');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
  });
});
