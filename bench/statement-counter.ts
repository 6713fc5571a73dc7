import { once } from 'node:events';
import {
  createConnection,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { StatementReader } from './statement-reader.js';

/** How often each statement was sent, by its text. */
export type Statements = ReadonlyMap<string, number>;

/** Stands before PostgreSQL and counts, exactly, what is asked of it: its own statistics come late, and by the second. */
export class StatementCounter {
  private readonly sockets = new Set<Socket>();
  private counts = new Map<string, number>();

  static async start(target: { host: string; port: number }): Promise<StatementCounter> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StatementCounter(server, target);
  }

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {
    server.on('connection', (client) => {
      this.connect(client);
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** What was counted since this was last called. */
  take(): Statements {
    const { counts } = this;
    this.counts = new Map();
    return counts;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) {
      socket.destroy();
    }
    await closed;
  }

  private connect(client: Socket): void {
    const server = createConnection(this.target);
    const reader = new StatementReader((text) => {
      this.counts.set(text, (this.counts.get(text) ?? 0) + 1);
    });
    client.on('data', (chunk: Buffer) => {
      reader.read(chunk);
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(from);
      from.setNoDelay(true).pipe(to);
      from.on('error', () => to.destroy());
      from.once('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
  }
}
