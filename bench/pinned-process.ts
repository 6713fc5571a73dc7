import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** What is measured has a core of its own; what loads it, and all that stands behind it, has the other. */
export const CORES = { measured: 0, load: Math.min(1, availableParallelism() - 1) };

/** As the service is started (Dockerfile); the peers too, so that it is no advantage. */
const NODE_FLAGS = ['--max-semi-space-size=8'];

const START_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 50;
const STOP_LIMIT_MS = 15_000;
const PAGE_BYTES = 4_096;
const NANOSECONDS_IN_MS = 1_000_000;

export interface ProcessOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly core: number;
  /** A program other than Node, and where it will listen, since it does not print it. */
  readonly program?: { readonly command: string; readonly url: string };
}

const running = new Set<PinnedProcess>();

/** Also when a scenario failed: none outlives the run. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((process) => process.stop()));
}

/** Moves this process to the core of the load. */
export function pinLoad(): void {
  execFileSync('taskset', ['-cp', String(CORES.load), String(process.pid)], { stdio: 'ignore' });
}

/** A Node process on one core, which prints the address where it listens. */
export class PinnedProcess {
  private readonly lines: string[] = [];

  private constructor(
    private readonly child: ChildProcess,
    readonly name: string,
    /** From the start of the process to the line that names its address. */
    private address: string,
  ) {}

  static async start(options: ProcessOptions): Promise<PinnedProcess> {
    const { name, args, env, cwd, core, program } = options;
    const command = program === undefined ? [process.execPath, ...NODE_FLAGS] : [program.command];
    const child = spawn('taskset', ['-c', String(core), ...command, ...args], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd !== undefined && { cwd }),
    });
    const started = new PinnedProcess(child, name, '');
    running.add(started);
    await started.untilListening(program?.url);
    return started;
  }

  get url(): string {
    return this.address;
  }

  /** Processor time used so far, user and system, in milliseconds. */
  cpuMs(): number {
    // Of each thread in nanoseconds; /proc/PID/stat counts hundredths of a second, too coarse for a short turn.
    const tasks = `/proc/${this.pid}/task`;
    const times = readdirSync(tasks).map((id) => readFileSync(`${tasks}/${id}/schedstat`, 'utf8'));
    return times.reduce((sum, text) => sum + Number(text.split(' ')[0]) / NANOSECONDS_IN_MS, 0);
  }

  /** Memory in use now. */
  residentBytes(): number {
    const pages = readFileSync(`/proc/${this.pid}/statm`, 'utf8').split(' ')[1];
    return Number(pages) * PAGE_BYTES;
  }

  async stop(): Promise<void> {
    running.delete(this);
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      return;
    }
    const ended = once(this.child, 'exit');
    // After SIGTERM the service would answer for three seconds more.
    this.child.kill('SIGINT');
    const limit = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(limit);
  }

  private get pid(): number {
    if (this.child.pid === undefined) {
      throw new Error(`${this.name} did not start: is taskset (util-linux) there?`);
    }
    return this.child.pid;
  }

  private async untilListening(url?: string): Promise<void> {
    if (url === undefined) {
      await this.untilAddress();
      return;
    }
    this.address = url;
    await eventually(() => fetch(url, { method: 'HEAD' }), START_LIMIT_MS);
  }

  private untilAddress(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        reject(new Error(`${this.name} ${why}:\n${this.lines.slice(-20).join('\n')}`));
      };
      const limit = setTimeout(() => {
        fail('does not listen');
      }, START_LIMIT_MS);
      this.child.once('error', reject);
      this.child.once('exit', () => {
        fail('ended');
      });
      for (const stream of [this.child.stdout, this.child.stderr]) {
        if (stream === null) {
          continue;
        }
        createInterface({ input: stream }).on('line', (line) => {
          this.lines.push(line);
          const url = /listen.*?(http:\/\/[^\s"]+)/i.exec(line)?.[1];
          if (url !== undefined && this.address === '') {
            this.address = url;
            clearTimeout(limit);
            resolve();
          }
        });
      }
    });
  }
}

/** Tries until it succeeds. @throws what the last try threw */
async function eventually(work: () => Promise<unknown>, limitMs: number): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (performance.now() > endMs) {
        throw error;
      }
      await delay(LOOK_AGAIN_MS);
    }
  }
}
