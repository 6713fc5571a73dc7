import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { HttpService } from '@nestjs/axios';
import { spawn } from 'node:child_process';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { DataSource } from 'typeorm';
import { mysqlDialect } from '../src/database/mysql.dialect.js';
import { postgresDialect } from '../src/database/postgres.dialect.js';
import { exchange, type Exchange } from '../src/wechat/api/http-exchange.js';
import { spyOnLookup, startSlowHost } from './support/slow-host.js';

/* Hosts with several addresses. Node gives each 250 ms to connect, unless it is told otherwise: too few for a slow line. */

afterEach(() => {
  jest.restoreAllMocks();
});

function call(origin: string, timeoutMs: number, httpsProxy?: string): Promise<Exchange> {
  return exchange(new HttpService(), {
    origin,
    request: { method: 'GET', target: '/cgi-bin/getcallbackip', body: undefined },
    route: { httpsProxy, noProxy: undefined },
    timeoutMs,
    signal: undefined,
  });
}

it('a handshake that takes a second is waited for, although another address follows', async () => {
  const host = await startSlowHost();
  try {
    const outcome = await call(`http://slow.example:${host.port}`, 12_000);
    expect(outcome).toMatchObject({ kind: 'answered', status: 200 });
  } finally {
    host.close();
  }
});

describe('what each address of a host gets', () => {
  /** The time that connections ask for each address; undefined: the process's default. Names are not found. */
  async function askedFor(attempt: () => Promise<unknown>): Promise<unknown[]> {
    spyOnLookup((done) => {
      done(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }));
    });
    const connecting = jest.spyOn(net.Socket.prototype, 'connect');
    await attempt();
    // Node itself calls it with its arguments in a list.
    return connecting.mock.calls.map((args) => {
      const [first] = args.flat() as unknown[];
      return typeof first === 'object' &&
        first !== null &&
        'autoSelectFamilyAttemptTimeout' in first
        ? first.autoSelectFamilyAttemptTimeout
        : undefined;
    });
  }

  it.each([
    ['plainly', 'http://a.example', undefined],
    ['over TLS', 'https://a.example', undefined],
    ['through a proxy', 'https://a.example', 'http://proxy.example:3128'],
    ['through a proxy over TLS', 'https://a.example', 'https://proxy.example:3128'],
  ])('a call to WeChat %s: a third of the time for the call', async (_what, origin, proxy) => {
    expect(await askedFor(() => call(origin, 6_000, proxy))).toEqual([2_000]);
  });

  it.each([
    [
      'PostgreSQL',
      () => postgresDialect.options({ kind: 'postgres', url: 'postgres://a.example/x' }),
    ],
    ['MySQL', () => mysqlDialect.options({ kind: 'mysql', url: 'mysql://a.example/x' })],
  ])('a connection to %s: what is the default here', async (_what, options) => {
    const source = new DataSource(options());
    const attempt = (): Promise<unknown> => source.initialize().catch((error: unknown) => error);
    expect(await askedFor(attempt)).toEqual([undefined]);
  });

  it.each([
    ['main.js', 1_667],
    ['maintenance/rotate-encryption-key.js', 1_667],
    ['cli/main.js', 3_333],
  ])('by default in %s: %i ms', async (program, limitMs) => {
    const tell = `import net from 'node:net';
      process.on('exit', () => console.log('limit', net.getDefaultAutoSelectFamilyAttemptTimeout()));`;
    const preload = `--import=data:text/javascript,${encodeURIComponent(tell)}`;
    // None of them goes further without configuration or arguments.
    const child = spawn(process.execPath, [preload, `dist/${program}`, '--help'], { env: {} });
    expect(await text(child.stdout)).toContain(`limit ${limitMs}\n`);
  });
});
