import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ProcessOptions {
  readonly name: string;
  /** The compiled file, and where it runs. */
  readonly file: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

/** Every process that a run has started and that has not ended: none may outlive it. */
const running = new Set<ChildProcess>();

/** After the end nothing is started any more, so that every step that is under way ends by itself. */
let isOver = false;

/** At once, and also from an exit handler. A stopped process can be killed as well. */
export function killAllProcesses(): void {
  isOver = true;
  for (const child of running) {
    child.kill('SIGKILL');
  }
}

/** A Node process of the run, its output line by line, and the signals that it gets. */
export class ManagedProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  private hasEnded = false;

  constructor(options: ProcessOptions) {
    if (isOver) {
      throw new Error('the run is over');
    }
    this.child = spawn(process.execPath, [options.file], {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(this.child);
    this.ended = once(this.child, 'exit').finally(() => {
      this.hasEnded = true;
      running.delete(this.child);
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream !== null) {
        createInterface({ input: stream }).on('line', options.onLine);
      }
    }
  }

  get isRunning(): boolean {
    return !this.hasEnded;
  }

  get exitCode(): number | null {
    return this.child.exitCode;
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGINT'): void {
    this.child.kill(signal);
  }

  /** Resolves when the process has ended, or after `limitMs`. @returns whether it has ended */
  async end(limitMs: number): Promise<boolean> {
    const limit = new AbortController();
    const timer = setTimeout(() => {
      limit.abort();
    }, limitMs);
    const late = once(limit.signal, 'abort');
    await Promise.race([this.ended, late]);
    clearTimeout(timer);
    return this.hasEnded;
  }
}
