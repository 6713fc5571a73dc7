import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { killProcesses, startProcess } from './support/process.js';
import { APP_ID, APP_SECRET, CLIENT_KEY, environmentFor } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * How processes end when somebody presses Ctrl-C. A terminal sends SIGINT to every process of its foreground
 * group, and npm passes on the one that it got itself: under `npm start` the service gets two.
 */

/** SIGUSR2 puts the process's monotonic clock ahead by what separates two signals. */
const CLOCK = `
  const real = performance.now.bind(performance);
  let aheadMs = 0;
  performance.now = () => real() + aheadMs;
  process.on('SIGUSR2', () => {
    aheadMs += 2_000;
    process.stdout.write('{"event":"clock_moved"}\\n');
  });
`;

let folder: string;
let wechat: Simulator;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wtc-signals-'));
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
});
afterEach(async () => {
  await killProcesses();
  await wechat.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('Ctrl-C under npm', () => {
  let npm: ChildProcessWithoutNullStreams | undefined;

  afterEach(() => {
    if (npm?.pid !== undefined && npm.exitCode === null && npm.signalCode === null) {
      process.kill(-npm.pid, 'SIGKILL');
    }
  });

  /** As a terminal does: npm and all that it starts are one group. */
  function run(script: string, environment: NodeJS.ProcessEnv): ChildProcessWithoutNullStreams {
    const { PATH } = process.env;
    npm = spawn('npm', ['run', '--silent', script], {
      env: { PATH, HOME: folder, ...environment },
      detached: true,
    });
    return npm;
  }

  async function lineWith(child: ChildProcessWithoutNullStreams, part: string): Promise<string> {
    let output = '';
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      output += String(chunk);
      const line = output
        .split('\n')
        .slice(0, -1)
        .find((one) => one.includes(part));
      if (line !== undefined) {
        return line;
      }
    }
    throw new Error(`it ended without a line with ${part}; it wrote:\n${output}`);
  }

  it('npm start: the read in flight is answered, and the exit code is 0', async () => {
    await wechat.fault({ path: '/cgi-bin/stable_token', kind: 'delay', delayMs: 1_000 });
    const child = run('start', environmentFor(wechat, { WECHAT_TIMEOUT_MS: '8000' }));
    const { url } = JSON.parse(await lineWith(child, '"event":"listening"')) as { url: string };
    const rest = text(child.stdout);
    const exit = once(child, 'exit');
    await wechat.untilCalls({ path: '/cgi-bin/stable_token', outcome: 'in_flight' });
    const read = fetch(`${url}/v1/accounts/${APP_ID}/access-token?wait=30`, {
      headers: { authorization: `Bearer ${CLIENT_KEY}` },
    });
    // Two answers later, what was sent before has arrived.
    await (await fetch(`${url}/healthz`)).text();
    await (await fetch(`${url}/healthz`)).text();
    process.kill(-(child.pid ?? 0), 'SIGINT');

    expect((await read).status).toBe(200);
    expect(await exit).toEqual([0, null]);
    expect(await rest).toContain('"event":"stopping"');
  });

  it('npm run simulator: the exit code is 0', async () => {
    const child = run('simulator', { SIMULATOR_PORT: '0' });
    await lineWith(child, 'listening on');
    const errors = text(child.stderr);
    const exit = once(child, 'exit');
    child.stdout.resume();
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await exit).toEqual([0, null]);
    expect(await errors).toBe('');
  });
});

describe('SIGTERM', () => {
  /** On a connection of its own, as a load balancer opens one. @returns the status */
  async function ask(url: string): Promise<number | undefined> {
    const headers = { authorization: `Bearer ${CLIENT_KEY}` };
    const [answer] = (await once(get(url, { agent: false, headers }), 'response')) as [
      IncomingMessage,
    ];
    answer.resume();
    return answer.statusCode;
  }

  it('unready at once, while new connections are answered as before; then the end, with 0', async () => {
    const service = await startProcess(environmentFor(wechat)).ready();
    service.signal('SIGTERM');
    await service.untilLogged('stopping');
    expect(await ask(`${service.url}/readyz`)).toBe(503);
    expect(await ask(`${service.url}/v1/accounts/${APP_ID}/access-token`)).toBe(200);
    expect(await service.exited).toMatchObject({ code: 0, signal: null });
  });
});

describe('a second signal', () => {
  it('two seconds after the first ends the process at once, with 1', async () => {
    const clock = join(folder, 'clock.mjs');
    writeFileSync(clock, CLOCK);
    await wechat.fault({ path: '/cgi-bin/stable_token', kind: 'hang' });
    const service = await startProcess(
      environmentFor(wechat, { WECHAT_TIMEOUT_MS: '12000', NODE_OPTIONS: `--import=${clock}` }),
    ).listening();
    await wechat.untilCalls({ path: '/cgi-bin/stable_token', outcome: 'in_flight' });
    service.signal('SIGINT');
    await service.untilLogged('stopping');
    service.signal('SIGUSR2');
    await service.untilLogged('clock_moved');
    const { code, output } = await service.stop('SIGINT');
    expect(code).toBe(1);
    // Not because the ten seconds of a shutdown were over.
    expect(output).not.toContain('shutdown timed out');
  });
});
