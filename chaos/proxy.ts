import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Gate } from './gate.js';
import { now } from './now.js';
import type { LinkFault } from './plan.js';

export interface ProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** The address from which the target sees this proxy's connections. */
  readonly localAddress?: string;
  /**
   * What was held back is thrown away when its sender leaves; otherwise it is delivered all the same, as
   * the system does with what was written before a connection was closed.
   */
  readonly dropsWhenAbandoned: boolean;
  /** How much longer bytes take in each direction while the fault is a delay. */
  readonly delayMs: number;
  /** Holds single requests or answers back. */
  readonly gate?: Gate;
  /** A connection has ended: its first line, as far as it has no query, and when it was open. */
  readonly onCall?: (call: { path: string; at: number; endedAt: number }) => void;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Of the first request, without its query. */
  path: string | undefined;
  /** Both ends are. */
  readonly closed: Promise<unknown>;
}

/** Ports below those that the system gives to outgoing connections: one that is given up can be had again. */
const PORTS = { first: 20_000, last: 29_999 };

/**
 * A TCP proxy that can be told to misbehave.
 *
 * - refuse: nothing listens, and what was connected is reset
 * - delay: bytes take longer, in each direction, and arrive when their sender has left meanwhile
 * - freeze: bytes are held until the fault is over, and no connection ends
 * - reset: what is connected is reset, once
 * - cut: the next answer of each connection is cut in the middle
 */
export class FaultyProxy {
  readonly port: number;
  private readonly links = new Set<Link>();
  private readonly faults = new Map<number, LinkFault>();
  private readonly waiting = new Set<() => void>();
  private listening: Promise<void> = Promise.resolve();
  private server: Server;
  private lastId = 0;
  private isClosed = false;

  static async start(options: ProxyOptions): Promise<FaultyProxy> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first + 1));
      const server = await listen(port).catch(() => undefined);
      if (server !== undefined) {
        return new FaultyProxy(options, server, port);
      }
    }
    throw new Error('no free port for a proxy');
  }

  private constructor(
    private readonly options: ProxyOptions,
    server: Server,
    port: number,
  ) {
    this.port = port;
    this.server = server;
    this.accept();
  }

  /** @returns how to end the fault; connections are taken again once that resolves */
  strike(fault: LinkFault): () => Promise<void> {
    const id = (this.lastId += 1);
    this.faults.set(id, fault);
    if (fault === 'reset' || fault === 'refuse') {
      this.resetAll();
    }
    if (fault === 'refuse') {
      this.server.close();
    }
    return async () => {
      this.faults.delete(id);
      if (!this.has('freeze')) {
        this.thaw();
      }
      if (fault === 'refuse' && !this.has('refuse') && !this.isClosed) {
        this.listening = this.listening.then(() => this.listenAgain());
      }
      await this.listening;
    };
  }

  /** Whether a request for this path is under way. */
  isCarrying(path: string): boolean {
    return [...this.links].some((link) => link.path === path && !link.client.destroyed);
  }

  /** Ends when every connection has ended. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.faults.clear();
    this.thaw();
    await this.listening;
    this.server.close();
    this.resetAll();
    await Promise.all([...this.links].map(({ closed }) => closed));
  }

  private has(fault: LinkFault): boolean {
    return [...this.faults.values()].includes(fault);
  }

  private async listenAgain(): Promise<void> {
    for (let attempt = 0; attempt < 100 && !this.isClosed; attempt += 1) {
      const server = await listen(this.port).catch(() => undefined);
      if (server !== undefined) {
        this.server = server;
        this.accept();
        return;
      }
      await delay(20);
    }
  }

  private accept(): void {
    this.server.on('connection', (client) => {
      this.connect(client);
    });
  }

  private connect(client: Socket): void {
    const at = now();
    const { target, localAddress } = this.options;
    const server = createConnection({ ...target, ...(localAddress && { localAddress }) });
    const closed = Promise.all([untilClosed(client), untilClosed(server)]);
    const link: Link = { client, server, path: undefined, closed };
    this.links.add(link);
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.once('data', (chunk: Buffer) => {
      link.path = /^(?:GET|POST) ([^ ?]*)/.exec(chunk.toString('latin1'))?.[1];
    });
    this.pipe(link, client, server);
    this.pipe(link, server, client);
    client.once('close', () => {
      if (link.path !== undefined) {
        this.options.onCall?.({ path: link.path, at, endedAt: now() });
      }
      if (this.options.dropsWhenAbandoned && this.has('freeze')) {
        server.destroy();
      }
    });
    void closed.then(() => this.links.delete(link));
  }

  /** One direction: chunks in their order, each after what the faults make of it. */
  private pipe(link: Link, from: Socket, to: Socket): void {
    let last = Promise.resolve();
    const enqueue = (step: () => void, chunk?: Buffer): void => {
      const delayMs = this.has('delay') ? this.options.delayMs : 0;
      last = last
        .then(() => (delayMs > 0 ? delay(delayMs) : undefined))
        .then(() => this.thawed())
        .then(() => chunk && this.options.gate?.pass(link, from === link.server, chunk))
        .then(step);
    };
    from.on('data', (chunk: Buffer) => {
      enqueue(() => {
        if (from === link.server && this.has('cut')) {
          to.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => {
            destroy(link);
          });
        } else if (to.writable) {
          to.write(chunk);
        }
      }, chunk);
    });
    from.on('error', () => undefined);
    from.once('close', () => {
      enqueue(() => {
        to.end();
        to.destroySoon();
      });
    });
  }

  private thawed(): Promise<void> | undefined {
    return this.has('freeze')
      ? new Promise((resolve) => {
          this.waiting.add(resolve);
        })
      : undefined;
  }

  private thaw(): void {
    for (const go of this.waiting) {
      go();
    }
    this.waiting.clear();
  }

  private resetAll(): void {
    for (const link of this.links) {
      destroy(link);
    }
  }
}

function destroy({ client, server }: Link): void {
  for (const socket of [client, server]) {
    // libuv refuses to reset what has been told to end; Node then keeps the socket open for ever, and
    // waits for it when the process ends.
    if (socket.writableEnded) {
      socket.destroy();
    } else {
      socket.resetAndDestroy();
    }
  }
}

function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
