import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export interface ChildOptions {
  /** As it is called in messages: `the service`. */
  readonly name: string;
  readonly script: URL;
  readonly folder: string;
  readonly environment: Record<string, string>;
}

const LINES_KEPT = 15;
/** The service finishes what is under way for 10 s at most. */
const STOP_LIMIT_MS = 12_000;
const PRELOAD = new URL('./exit-with-parent.js', import.meta.url).href;

/**
 * A Node process of the demonstration: started → announced itself → stopped, or ended by itself.
 *
 * It has a process group of its own, so that Ctrl-C in a terminal reaches the demonstration alone, which
 * then stops its children in order.
 */
export class ChildProcess {
  readonly name: string;
  /** Fulfilled with how it ended, in words, after its last line of output. Never rejects. */
  readonly ended: Promise<string>;
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly lines: string[] = [];
  private readonly listeners = new Set<(line: string) => void>();
  private hasEnded = false;

  constructor({ name, script, folder, environment }: ChildOptions) {
    this.name = name;
    this.child = spawn(process.execPath, ['--import', PRELOAD, fileURLToPath(script)], {
      cwd: folder,
      env: environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.hasEnded = true;
        resolve(`could not be started: ${error.message}`);
      });
      this.child.once('close', (code, signal) => {
        this.hasEnded = true;
        resolve(signal === null ? `ended with exit code ${code ?? 'none'}` : `got ${signal}`);
      });
    });
    // Its end may close while nothing is ever written to it; there is nothing to lose then.
    this.child.stdin.on('error', () => undefined);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface(stream).on('line', (line) => {
        this.hear(line);
      });
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The end of what it printed, oldest first. */
  get lastLines(): readonly string[] {
    return this.lines;
  }

  /** Waits for the line that `read` understands. Never rejects: whoever waits also looks at `ended`. */
  announced(read: (line: string) => string | undefined): Promise<string> {
    return new Promise((resolve) => {
      const look = (line: string): void => {
        const found = read(line);
        if (found !== undefined) {
          this.listeners.delete(look);
          resolve(found);
        }
      };
      this.listeners.add(look);
      this.lines.forEach(look);
    });
  }

  /** Asks it to stop, and ends it when it does not. */
  async stop(): Promise<void> {
    if (this.hasEnded) {
      return;
    }
    const timer = setTimeout(() => {
      this.kill();
    }, STOP_LIMIT_MS);
    // Not SIGTERM, after which the service answers for three seconds more.
    this.child.kill('SIGINT');
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends it at once. */
  kill(): void {
    if (!this.hasEnded) {
      this.child.kill('SIGKILL');
    }
  }

  private hear(line: string): void {
    this.lines.push(line);
    this.lines.splice(0, this.lines.length - LINES_KEPT);
    for (const listener of [...this.listeners]) {
      listener(line);
    }
  }
}
