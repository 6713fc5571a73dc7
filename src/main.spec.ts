import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** What `npm run build` made; `npm test` builds first. */
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const ENVIRONMENT = {
  ADMIN_API_KEY: 'admin-key-of-this-spec',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  DATABASE_URL: 'sqlite::memory:',
  PORT: '0',
};

describe('node dist/main.js', () => {
  let folder: string;
  let child: ChildProcessByStdio<null, Readable, Readable> | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'main-spec-'));
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  const start = (environment: NodeJS.ProcessEnv): NonNullable<typeof child> => {
    child = spawn(process.execPath, [MAIN], {
      // The folder has no .env, and the environment of this process stays out.
      cwd: folder,
      env: { ...ENVIRONMENT, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return child;
  };
  const end = async (environment: NodeJS.ProcessEnv): Promise<Record<string, unknown>> => {
    const started = start(environment);
    const [output, errors, [code]] = await Promise.all([
      text(started.stdout),
      text(started.stderr),
      once(started, 'exit') as Promise<[number | null]>,
    ]);
    return { output, errors, code };
  };
  const lineOf = async (event: string, output: Readable): Promise<Record<string, unknown>> => {
    for await (const line of createInterface(output)) {
      const fields = JSON.parse(line) as Record<string, unknown>;
      if (fields.event === event) {
        return fields;
      }
    }
    throw new Error(`the process ended without a line of the event ${event}`);
  };

  it('lists every problem of the configuration by name, no value, no stack, and exits 1', async () => {
    const { output, errors, code } = await end({
      ADMIN_API_KEY: 'too-short',
      ENCRYPTION_KEY: 'not-a-key',
      PORT: 'not-a-port',
    });
    expect(code).toBe(1);
    expect(output).toBe('');
    expect(errors).toMatch(/^ {2}ADMIN_API_KEY: /m);
    expect(errors).toMatch(/^ {2}ENCRYPTION_KEY: /m);
    expect(errors).toMatch(/^ {2}PORT: /m);
    expect(errors).not.toMatch(/too-short|not-a-key|not-a-port|\n\s+at /);
  });

  it('says in one line that the port is taken, and exits 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { output, errors, code } = await end({ PORT: String(port) });
    expect(code).toBe(1);
    expect(errors).toBe('');
    const fatal = String(output)
      .split('\n')
      .filter((line) => line.includes('"fatal"'));
    expect(fatal.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      `cannot listen on 127.0.0.1:${port}: another process listens there. Stop it, or choose another PORT (EADDRINUSE)`,
    ]);
    other.close();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('listens, and exits 0 on %s', async (signal) => {
    const started = start({});
    const { msg, url, version } = await lineOf('listening', started.stdout);
    expect(msg).toBe(
      `WeChat Token Center ${String(version)} listening on ${String(url)} (sqlite, 0 accounts)`,
    );
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const answer = await fetch(`${String(url)}/healthz`);
    expect(await answer.json()).toEqual({ status: 'ok' });
    const ended = once(started, 'exit');
    started.kill(signal);
    expect(await ended).toEqual([0, null]);
  });
});
