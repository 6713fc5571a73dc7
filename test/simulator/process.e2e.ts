import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connectSimulator } from '../support/simulator.js';
import { APP_ID, SECRET, WechatCaller } from './wechat-caller.js';

const MAIN = 'dist/simulator/main.js';

function run(environment: Record<string, string>): ChildProcessWithoutNullStreams {
  if (!existsSync(MAIN)) {
    throw new Error(`${MAIN} is missing: npm run build makes it, and npm test does that first`);
  }
  return spawn(process.execPath, [MAIN], { env: environment });
}

async function firstLine(child: ChildProcessWithoutNullStreams): Promise<string> {
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return line;
}

async function endOf(child: ChildProcessWithoutNullStreams): Promise<unknown[]> {
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return [code, signal, errors];
}

describe('node dist/simulator/main.js', () => {
  it.each([
    ['SIGTERM', 'hangs', { path: '/cgi-bin/token', kind: 'hang' }],
    ['SIGINT', 'is delayed', { path: '/cgi-bin/token', kind: 'delay', delayMs: 600_000 }],
  ] as const)(
    'tells its URL in its first line, serves, and exits 0 on %s though a call %s',
    async (signal, _, fault) => {
      const child = run({ SIMULATOR_PORT: '0', SIMULATOR_ACCOUNTS: `${APP_ID}:${SECRET}` });
      const ended = endOf(child);
      const line = await firstLine(child);
      const url = /^WeChat simulator listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1];
      const caller = new WechatCaller(url ?? '');
      expect((await caller.fetchLegacy()).expires_in).toBe(7200);

      const wechat = connectSimulator(url ?? '');
      await wechat.fault(fault);
      const hanging = expect(fetch(caller.tokenUrl())).rejects.toThrow('fetch failed');
      await wechat.untilCalls({ outcome: 'in_flight' });
      child.kill(signal);

      await hanging;
      expect(await ended).toEqual([0, null, '']);
    },
  );

  it('says what to set too where a short life has no room for the stable window', async () => {
    const child = run({ SIMULATOR_PORT: '0', SIMULATOR_LIFETIME_SECONDS: '10' });
    const ended = endOf(child);
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (lines.length === 3) {
        child.kill();
      }
    }

    expect(await ended).toEqual([0, null, '']);
    expect(lines).toEqual([
      expect.stringMatching(/^WeChat simulator listening on /),
      expect.stringMatching(/^It has no account yet: POST http:\/\/127\.0\.0\.1:\d+\/__simulator/),
      'A token lives 10 s, all of them in the stable window of 300 s: every stable call mints. Set SIMULATOR_STABLE_WINDOW_SECONDS too',
    ]);
  });

  it('lists every wrong setting, without its value, and exits 1', async () => {
    const child = run({
      SIMULATOR_PORT: 'hidden',
      SIMULATOR_LIFETIME_SECONDS: '-1',
      SIMULATOR_ACCOUNTS: APP_ID,
    });

    const [code, , errors] = await endOf(child);
    expect(code).toBe(1);
    expect(errors).toContain('SIMULATOR_PORT: ');
    expect(errors).toContain('SIMULATOR_LIFETIME_SECONDS: ');
    expect(errors).toContain('SIMULATOR_ACCOUNTS (0.secret): is missing');
    expect(errors).not.toContain('hidden');
  });

  it('exits 1 where its port is taken, and says what to do', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;

    const [code, , errors] = await endOf(run({ SIMULATOR_PORT: String(port) }));
    expect(code).toBe(1);
    expect(errors).toBe(
      `listen EADDRINUSE: address already in use 127.0.0.1:${port}: choose another SIMULATOR_PORT, or 0 for a free one\n`,
    );
    occupant.close();
  });
});
