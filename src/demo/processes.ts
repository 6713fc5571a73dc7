import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ChildProcess } from './child-process.js';
import { childEnvironment } from './environment.js';

const START_LIMIT_MS = 15_000;
const LOOK_AGAIN_MS = 50;

/** A child ended or was not ready in time; its last lines tell why. */
export class DemoError extends Error {
  override readonly name = 'DemoError';

  constructor(
    message: string,
    readonly lastLines: readonly string[],
  ) {
    super(message);
  }
}

/**
 * The two processes of the demonstration, a simulator of WeChat and the service, and the temporary folder
 * with the database. Keys and secrets are random and valid for this run only.
 *
 * created → started → closed. It may be closed at any time, also while it starts.
 */
export class DemoProcesses {
  readonly appId = 'wx0123456789abcdef';
  readonly clientKey = `demo-client-${randomBytes(24).toString('hex')}`;
  readonly adminKey = `demo-admin-${randomBytes(24).toString('hex')}`;
  readonly folder = mkdtempSync(join(tmpdir(), 'wechat-token-center-demo-'));
  simulatorUrl = '';
  serviceUrl = '';
  private readonly appSecret = randomBytes(16).toString('hex');
  private readonly started: ChildProcess[] = [];
  private readonly starting = new AbortController();
  private isClosing = false;
  private markBroken: (error: DemoError) => void = () => undefined;
  /** Fulfilled when a child ends that nobody stopped. */
  readonly broken = new Promise<DemoError>((resolve) => {
    this.markBroken = resolve;
  });

  /** In the order of their start. */
  get children(): readonly ChildProcess[] {
    return this.started;
  }

  /** @throws DemoError when a child ends, or is not ready after 15 s */
  async start(): Promise<void> {
    const { signal } = this.starting;
    try {
      const failure = await Promise.race([
        this.startBoth(signal),
        delay(START_LIMIT_MS, undefined, { signal }).then(() => this.lateness()),
        this.broken,
      ]);
      if (failure !== undefined) {
        throw failure;
      }
    } finally {
      this.starting.abort();
    }
  }

  /** Stops the children, the last one first, and removes the folder. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.starting.abort();
    for (const child of [...this.started].reverse()) {
      await child.stop();
    }
    this.removeFolder();
  }

  /** The same without waiting, for the moment in which the process exits. */
  destroy(): void {
    this.isClosing = true;
    this.started.forEach((child) => {
      child.kill();
    });
    this.removeFolder();
  }

  private async startBoth(starting: AbortSignal): Promise<undefined> {
    const simulator = this.spawn('the simulator', '../simulator/main.js', {
      SIMULATOR_PORT: '0',
      SIMULATOR_ACCOUNTS: `${this.appId}:${this.appSecret}`,
    });
    this.simulatorUrl = await simulator.announced(simulatorUrl);
    const service = this.spawn('the service', '../main.js', {
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: `sqlite:${join(this.folder, 'demo.sqlite')}`,
      WECHAT_APP_ID: this.appId,
      WECHAT_APP_SECRET: this.appSecret,
      WECHAT_API_BASE_URL: this.simulatorUrl,
      ADMIN_API_KEY: this.adminKey,
      CLIENT_API_KEY: this.clientKey,
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      LOG_FORMAT: 'json',
    });
    this.serviceUrl = await service.announced(serviceUrl);
    await becomesReady(this.serviceUrl, starting);
    return undefined;
  }

  private spawn(name: string, script: string, variables: Record<string, string>): ChildProcess {
    if (this.isClosing) {
      throw new Error('the demonstration was closed while it started');
    }
    const child = new ChildProcess({
      name,
      script: new URL(script, import.meta.url),
      // Not the caller's folder: the service would read a .env there.
      folder: this.folder,
      environment: { ...childEnvironment(), ...variables },
    });
    this.started.push(child);
    void child.ended.then((how) => {
      if (!this.isClosing) {
        this.markBroken(new DemoError(`${name} ${how}`, child.lastLines));
      }
    });
    return child;
  }

  private lateness(): DemoError {
    const child = this.started.at(-1);
    const seconds = START_LIMIT_MS / 1_000;
    const message = `${child?.name ?? 'nothing'} was not ready within ${seconds} s`;
    return new DemoError(message, child?.lastLines ?? []);
  }

  private removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The simulator's first line is for programs: they read the URL from its end. */
function simulatorUrl(line: string): string | undefined {
  return /^WeChat simulator listening on (http:\S+)$/.exec(line)?.[1];
}

/** The service's log is one JSON object a line; the event `listening` tells the port that it got. */
function serviceUrl(line: string): string | undefined {
  const entry = parseLine(line);
  return entry?.event === 'listening' ? String(entry.url) : undefined;
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? { ...entry } : undefined;
  } catch {
    // Not every line is of the log, such as a warning of Node's.
    return undefined;
  }
}

async function becomesReady(url: string, starting: AbortSignal): Promise<void> {
  while (!starting.aborted) {
    const answer = await fetch(`${url}/readyz`, { signal: starting }).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) {
      return;
    }
    await delay(LOOK_AGAIN_MS);
  }
}
