import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The demonstration as a user runs it: the built one, in a process of its own. */
describe('the demonstration', () => {
  /** The user's working directory, and below it the folder for temporary files: what is left would be seen. */
  let folder: string;
  let temporary: string;
  let demo: Demo | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
    temporary = join(folder, 'tmp');
    mkdirSync(temporary);
  });

  afterEach(async () => {
    await demo?.end();
    demo = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  function start(words: string[] = [], script = resolve('dist/demo/main.js')): Demo {
    demo = new Demo(script, words, {
      cwd: folder,
      env: {
        ...process.env,
        TMPDIR: temporary,
        // Of a real service on the same machine: none of it may reach the demonstration.
        DATABASE_URL: 'sqlite:/nonexistent/real.sqlite',
        ADMIN_API_KEY_FILE: '/nonexistent/key',
        PORT: '1',
        SIMULATOR_PORT: '1',
      },
    });
    return demo;
  }

  /** The demonstration beside other programs in the place of the simulator and the service. */
  function startBeside(simulator: string, service: string): Demo {
    const root = join(folder, 'installed');
    cpSync('dist/demo', join(root, 'dist/demo'), { recursive: true });
    symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    mkdirSync(join(root, 'dist/simulator'));
    writeFileSync(join(root, 'dist/simulator/main.js'), simulator);
    writeFileSync(join(root, 'dist/main.js'), service);
    return start(['--once'], join(root, 'dist/demo/main.js'));
  }

  it('makes every call with --once, and leaves nothing behind', async () => {
    writeFileSync(join(folder, '.env'), 'METRICS_PORT=nonsense\n');
    const run = start(['--once']);
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stderr).toBe('');
    expect(run.stdout).toContain('made at random for this run');
    expect(run.curlLines()).toHaveLength(25);
    const paths = run.curlLines().map((line) => /https?:\/\/[\d.:]+([^'?\s]*)/.exec(line)?.[1]);
    expect(new Set(paths)).toEqual(
      new Set([
        '/v1/accounts/wx0123456789abcdef/access-token',
        '/v1/accounts/wx0123456789abcdef/access-token/report',
        '/v1/accounts/wx0123456789abcdef/ip-list',
        '/v1/accounts/wx0123456789abcdef/ip-list/contains',
        '/v1/accounts/wx0123456789abcdef/tickets/jsapi',
        '/v1/accounts/wx0123456789abcdef/jssdk-signature',
        '/v1/admin/accounts',
        '/v1/admin/accounts/wx0123456789abcdef',
        '/v1/admin/accounts/wx0123456789abcdef/access-token/refresh',
        '/healthz',
        '/readyz',
        '/openapi.json',
        '/docs',
        '/__simulator/tokens/kill',
        '/cgi-bin/message/custom/send',
        '/v1/accounts/wx0123456789abcdef/gateway/cgi-bin/draft/add',
        '/sns/jscode2session',
      ]),
    );
    for (const said of ['HTTP 304', '"errcode": 40001', '"refreshed"', '"superseded"']) {
      expect(run.stdout).toContain(said);
    }
    expect(run.stdout).toContain('All 25 calls were answered as expected.');
    // Standard output is no terminal here, so there is no colour.
    expect(run.stdout).not.toContain('\u001b');
    await expectNothingLeft(run);
  });

  it('prints lines that work as they are pasted, until Ctrl-C ends it with exit code 0', async () => {
    const run = start();
    await run.said('press Ctrl-C');
    const answers = [];
    for (const line of run.curlLines()) {
      answers.push(await paste(line));
    }
    expect(answers.map(({ status }) => status)).toEqual(
      answers.map((_, index) => (index === 1 ? 304 : 200)),
    );
    const outcomes = answers.map(({ text }) => /"outcome":"(\w+)"/.exec(text)?.[1]).filter(Boolean);
    expect(outcomes).toEqual(['refreshed']);
    run.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stderr).toBe('');
    await expectNothingLeft(run);
  });

  it('stops both on SIGTERM', async () => {
    const run = start();
    await run.said('press Ctrl-C');
    run.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    await expectNothingLeft(run);
  });

  it('fails when it is interrupted before all calls were made', async () => {
    const run = start(['--once']);
    await run.said('1/25');
    run.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 1, signal: null });
    await expectNothingLeft(run);
  });

  it('lets both finish when the signal comes twice, as npm sends it', async () => {
    const run = startBeside(
      LISTENING_SIMULATOR,
      `import { createServer } from 'node:http';
      import { writeFileSync } from 'node:fs';
      const server = createServer(({ url }, response) => {
        if (url === '/readyz') {
          response.end();
        }
      });
      server.listen(0, '127.0.0.1', () => {
        const url = 'http://127.0.0.1:' + server.address().port;
        console.log(JSON.stringify({ event: 'listening', url }));
      });
      process.on('SIGINT', () => {
        setTimeout(() => {
          writeFileSync(${JSON.stringify(join(folder, 'finished'))}, '');
          process.exit(0);
        }, 200);
      });`,
    );
    await run.said('1/25');
    run.kill('SIGINT');
    await run.said('Stopping both.');
    run.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(readdirSync(folder)).toContain('finished');
  });

  it('leaves no process when it is interrupted while both start', async () => {
    const run = start();
    await run.said('Starting');
    run.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('leaves no process even when it is killed', async () => {
    const run = start();
    await run.said('press Ctrl-C');
    const sockets = await Promise.all(run.urls().map(openSocket));
    const closed = sockets.map((socket) => once(socket, 'close'));
    run.kill('SIGKILL');
    await run.ended;
    await Promise.all(closed);
    for (const url of run.urls()) {
      await expect(fetch(url)).rejects.toThrow();
    }
  });

  it('leaves nothing behind when nobody reads its output any more', async () => {
    const run = start();
    await run.said('Starting');
    run.closeOutput();
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr).toBe('');
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('fails with the reason when a child ends under way', async () => {
    const run = start();
    await run.said('press Ctrl-C');
    const [, servicePid = 0] = run.pids();
    process.kill(servicePid, 'SIGKILL');
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr).toContain('The demonstration failed: the service got SIGKILL.');
    expect(run.stderr).toContain('"event":"listening"');
    await expectNothingLeft(run);
  });

  const LISTENING_SIMULATOR = `
    console.log('WeChat simulator listening on http://127.0.0.1:9');
    setInterval(() => {}, 1_000);
  `;

  it('shows the last lines of a child that does not start', async () => {
    const run = startBeside(
      LISTENING_SIMULATOR,
      `console.log('configured'); console.error('no such port'); process.exitCode = 7;`,
    );
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr).toContain('The demonstration failed: the service ended with exit code 7.');
    expect(run.stderr).toContain('Its last lines:');
    expect(run.stderr).toContain('  configured\n');
    expect(run.stderr).toContain('  no such port\n');
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('gives a child 15 s to get ready', async () => {
    const run = startBeside(
      LISTENING_SIMULATOR,
      `console.log('still thinking'); setInterval(() => {}, 1_000);`,
    );
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr).toContain('the service was not ready within 15 s');
    expect(run.stderr).toContain('  still thinking\n');
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('fails when an answer has the right status and the wrong content', async () => {
    const run = startBeside(
      LISTENING_SIMULATOR,
      `import { createServer } from 'node:http';
      const server = createServer((_, response) => {
        response.writeHead(200, { 'cache-control': 'no-store' });
        response.end('{"access_token":""}');
      });
      server.listen(0, '127.0.0.1', () => {
        const url = 'http://127.0.0.1:' + server.address().port;
        console.log(JSON.stringify({ event: 'listening', url }));
      });`,
    );
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.stderr).toContain(
      'The answer is not as expected: the header etag does not match /./; access_token: ',
    );
    expect(run.stdout).not.toContain('2/22');
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each([[['--twice']], [['--once', '--once']], [['once']]])(
    'explains itself when it is called with %j',
    async (words) => {
      const run = start(words);
      expect(await run.ended).toEqual({ code: 2, signal: null });
      expect(run.stderr).toContain('npm run demo -- --once');
      expect(run.stdout).toBe('');
    },
  );

  async function expectNothingLeft(run: Demo): Promise<void> {
    expect(run.urls()).toHaveLength(2);
    for (const url of run.urls()) {
      await expect(fetch(url)).rejects.toThrow();
    }
    expect(run.pids()).toHaveLength(2);
    for (const pid of run.pids()) {
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    }
    expect(readdirSync(temporary)).toEqual([]);
  }
});

class Demo {
  stdout = '';
  stderr = '';
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  private readonly child: ChildProcessWithoutNullStreams;

  constructor(script: string, words: string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    this.child = spawn(process.execPath, [script, ...words], options);
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((end) => {
      this.child.once('close', (code, signal) => {
        end({ code, signal });
      });
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  closeOutput(): void {
    this.child.stdout.destroy();
  }

  /** Ends it whatever state a failed test left it in; its children follow. */
  async end(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async said(text: string): Promise<void> {
    while (!this.stdout.includes(text)) {
      const ended = this.ended.then(() => {
        throw new Error(`it ended before it said "${text}":\n${this.stdout}\n${this.stderr}`);
      });
      await Promise.race([once(this.child.stdout, 'data'), ended]);
    }
  }

  /** Of the simulator and of the service. */
  urls(): string[] {
    return [...this.stdout.matchAll(/^ {2}(?:simulator|service) +(\S+)/gm)].map(([, url]) => url!);
  }

  pids(): number[] {
    return [...this.stdout.matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid));
  }

  curlLines(): string[] {
    return this.stdout.split('\n').filter((line) => line.startsWith('curl '));
  }
}

/** Runs a line as a shell would, with fetch in the place of curl, which not every machine has. */
async function paste(line: string): Promise<{ status: number; text: string }> {
  const shell = spawnSync('sh', ['-c', `curl() { printf '%s\\037' "$@"; }; ${line}`]);
  const words = shell.stdout.toString().split('\u001f').slice(0, -1);
  const url = words.at(-1) ?? '';
  const headers = new Headers();
  const init: RequestInit = { headers };
  words.forEach((word, index) => {
    const value = words[index + 1] ?? '';
    if (word === '-H') {
      headers.append(value.slice(0, value.indexOf(':')), value.slice(value.indexOf(':') + 2));
    } else if (word === '-d') {
      Object.assign(init, { method: 'POST', body: value });
    } else if (word === '-X') {
      init.method = value;
    }
  });
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text() };
}

async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}
