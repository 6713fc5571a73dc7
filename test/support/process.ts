import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { Environment } from '../../src/config/environment.js';
import { eventually } from './eventually.js';
import {
  ADMIN_KEY,
  APP_ID,
  CLIENT_KEY,
  type Answer,
  type ProblemBody,
  type TokenBody,
} from './service.js';

const MAIN = resolve('dist/main.js');
/** Ten processes that start at once on two busy cores take their time. */
const LONGEST_WAIT_MS = 60_000;
const PAGE_BYTES = 4_096;

export interface Exit {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Everything that it wrote to standard output and standard error. */
  readonly output: string;
}

export interface ProcessOptions {
  /** The working directory; without one, the test's own. */
  readonly cwd?: string;
  /** No file may grow past this: what a full disk does to a process, without a disk to fill. */
  readonly fileLimitBytes?: number;
}

interface Request {
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

const started = new Set<ServiceProcess>();

/**
 * Starts `node dist/main.js` with these variables and no others: nothing of the test's own environment,
 * such as NODE_OPTIONS or a proxy, reaches it.
 */
export function startProcess(
  environment: Environment,
  options: ProcessOptions = {},
): ServiceProcess {
  const process = new ServiceProcess(environment, options);
  started.add(process);
  return process;
}

/** For `afterEach`: ends what a failed test left behind. */
export async function killProcesses(): Promise<void> {
  for (const process of started) {
    process.signal('SIGKILL');
    await process.exited;
  }
  started.clear();
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A test's hand on a process of the service: what it writes, real HTTP, signals, its end. */
export class ServiceProcess {
  readonly exited: Promise<Exit>;
  private readonly child: ChildProcess;
  private readonly written = new EventEmitter();
  private text = '';
  private hasEnded = false;
  private baseUrl: string | undefined;

  constructor(environment: Environment, { cwd, fileLimitBytes }: ProcessOptions) {
    // In blocks of 512 bytes (POSIX). Node ignores SIGXFSZ, so that a write past the limit fails with EFBIG.
    const [file, args] =
      fileLimitBytes === undefined
        ? [process.execPath, [MAIN]]
        : [
            '/bin/sh',
            ['-c', `ulimit -f ${fileLimitBytes / 512}; exec "$0" "$1"`, process.execPath, MAIN],
          ];
    this.child = spawn(file, args, {
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd !== undefined && { cwd }),
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.text += chunk;
        this.written.emit('more');
      });
    }
    this.exited = this.untilClosed();
  }

  /** What it wrote so far. */
  get output(): string {
    return this.text;
  }

  /** Memory in use now, as the kernel counts it. */
  residentBytes(): number {
    const pages = readFileSync(`/proc/${this.child.pid}/statm`, 'utf8').split(' ')[1];
    return Number(pages) * PAGE_BYTES;
  }

  /** Where it listens; `listening` comes first. */
  get url(): string {
    if (this.baseUrl === undefined) {
      throw new Error(`the process does not listen yet; it wrote:\n${this.text}`);
    }
    return this.baseUrl;
  }

  /** The logged lines of one event. */
  events(event: string): Record<string, unknown>[] {
    return this.text
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.includes(`"event":"${event}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Waits for the first logged line of an event. @throws where the process ends without one */
  async untilLogged(event: string): Promise<Record<string, unknown>> {
    const deadline = AbortSignal.timeout(LONGEST_WAIT_MS);
    const ended = Promise.race([this.exited, once(deadline, 'abort')]);
    for (;;) {
      const [line] = this.events(event);
      if (line !== undefined) {
        return line;
      }
      if (this.hasEnded || deadline.aborted) {
        throw new Error(`the process logged no "${event}"; it wrote:\n${this.text}`);
      }
      await Promise.race([ended, once(this.written, 'more')]);
    }
  }

  /** Waits for the line by which it tells that it listens. */
  async listening(): Promise<this> {
    const { url } = await this.untilLogged('listening');
    this.baseUrl = String(url);
    return this;
  }

  /** Waits until it listens and reports itself ready. */
  async ready(): Promise<this> {
    await this.listening();
    await eventually(async () => {
      const { status, body } = await this.call('GET', '/readyz');
      if (status !== 200) {
        throw new Error(`not ready: ${JSON.stringify(body)}; it wrote:\n${this.text}`);
      }
    });
    return this;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends a signal and waits for the end. After SIGTERM it would answer for three seconds more. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Exit> {
    this.signal(signal);
    return this.exited;
  }

  async call<Body = ProblemBody>(
    method: string,
    path: string,
    { key, body, headers = {} }: Request = {},
  ): Promise<Answer<Body>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text !== '' ? JSON.parse(text) : text) as Body,
    };
  }

  read(query = ''): Promise<Answer<TokenBody & ProblemBody>> {
    const path = `/v1/accounts/${APP_ID}/access-token${query}`;
    return this.call('GET', path, { key: CLIENT_KEY });
  }

  report(body: unknown): Promise<Answer<TokenBody & ProblemBody>> {
    const path = `/v1/accounts/${APP_ID}/access-token/report`;
    return this.call('POST', path, { key: CLIENT_KEY, body });
  }

  adminRefresh(body: unknown = {}): Promise<Answer<Record<string, unknown> & ProblemBody>> {
    const path = `/v1/admin/accounts/${APP_ID}/access-token/refresh`;
    return this.call('POST', path, { key: ADMIN_KEY, body });
  }

  private async untilClosed(): Promise<Exit> {
    const [code, signal] = (await once(this.child, 'close')) as [Exit['code'], Exit['signal']];
    this.hasEnded = true;
    return { code, signal, output: this.text };
  }
}
