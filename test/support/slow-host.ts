import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import { once } from 'node:events';
import { connect } from 'node:net';

/** An HTTP server whose process can be stopped, so that nobody accepts its connections. */
const SERVER = `
  const server = require('node:http').createServer((request, response) => response.end('{}'));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;
/** How many connections the kernel takes for a process that accepts none, at a backlog of 1. */
const FULL = 2;

export interface SlowHost {
  readonly port: number;
  close(): void;
}

/**
 * A host whose every name has two addresses: of the first a handshake takes a second, on the second nobody listens.
 * The kernel drops the first try to connect, since nobody accepts; its next one comes a second later, when somebody does.
 */
export async function startSlowHost(): Promise<SlowHost> {
  const child = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  child.kill('SIGSTOP');
  const waiting = Array.from({ length: FULL }, () => connect(port, '127.0.0.1'));
  await Promise.all(
    waiting.map((socket) =>
      once(
        socket.on('error', () => undefined),
        'connect',
      ),
    ),
  );
  const lookup = spyOnLookup((done) => {
    done(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]);
    // By then the first try to connect is on its way.
    setImmediate(() => child.kill('SIGCONT'));
  });
  return {
    port,
    close: () => {
      lookup.mockRestore();
      child.kill('SIGKILL');
      waiting.forEach((socket) => {
        socket.destroy();
      });
    },
  };
}

type OnLookup = (error: Error | null, addresses?: LookupAddress[]) => void;

/** What Node's sockets find for a name, whichever it is. */
export function spyOnLookup(answer: (done: OnLookup) => void): { mockRestore: () => void } {
  const lookup = (_name: string, _options: LookupOptions, done: OnLookup): void => {
    answer(done);
  };
  return jest.spyOn(dns, 'lookup').mockImplementation(lookup as typeof dns.lookup);
}
