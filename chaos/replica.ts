import { setTimeout as delay } from 'node:timers/promises';
import { httpCall, numberOf, textOf } from './http-call.js';
import { ManagedProcess } from './managed-process.js';
import { now } from './now.js';
import type { FaultyProxy } from './proxy.js';
import type { Absence } from './record.js';
import type { Recorder } from './recorder.js';
import { tagOf } from './simulated-wechat.js';

export interface ReplicaOptions {
  readonly index: number;
  /** The compiled service. */
  readonly file: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly appId: string;
  readonly adminKey: string;
  readonly clientKey: string;
  readonly wechatProxy: FaultyProxy;
  /** Undefined where the database is a file. */
  readonly databaseProxy: FaultyProxy | undefined;
}

const READY_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 15_000;

/** One replica of the service: its process, which may change, its proxies, and the calls to it. */
export class Replica {
  /** Whether a load balancer would send requests to it. */
  inRotation = false;
  private process: ManagedProcess | undefined;
  private url: string | undefined;
  private started = 0;
  private readonly lines: string[] = [];
  /** Every change of the process waits for the one before it. */
  private changes: Promise<unknown> = Promise.resolve();

  constructor(
    readonly options: ReplicaOptions,
    private readonly recorder: Recorder,
  ) {}

  get index(): number {
    return this.options.index;
  }

  get isUp(): boolean {
    return this.process?.isRunning === true && this.url !== undefined;
  }

  /** Everything that it has written. */
  get output(): string {
    return this.lines.join('\n');
  }

  /** @throws Error when it is not listening in time */
  async start(): Promise<void> {
    this.started += 1;
    this.url = undefined;
    const { file, cwd, env, index } = this.options;
    const name = `replica ${index}`;
    this.process = new ManagedProcess({
      name,
      file,
      cwd,
      env,
      onLine: (line) => {
        this.hear(line);
      },
    });
    const deadline = now() + READY_LIMIT_MS;
    while (now() < deadline && this.process.isRunning) {
      if (this.isUp) {
        this.inRotation = true;
        return;
      }
      await delay(25);
    }
    throw new Error(`${name} is not listening: ${this.lines.slice(-3).join(' | ')}`);
  }

  kill(downMs: number): Promise<void> {
    return this.absent('killed', async () => {
      this.process?.signal('SIGKILL');
      await this.process?.end(STOP_LIMIT_MS);
      await delay(downMs);
      await this.start();
    });
  }

  pause(ms: number): Promise<void> {
    return this.absent('stopped', async () => {
      this.process?.signal('SIGSTOP');
      await delay(ms);
      this.process?.signal('SIGCONT');
    });
  }

  /** As a load balancer and a process manager do it. */
  restart(): Promise<void> {
    return this.absent('restarted', async () => {
      this.inRotation = false;
      this.process?.signal('SIGTERM');
      const hasEnded = await this.process?.end(STOP_LIMIT_MS);
      if (hasEnded !== true || this.process?.exitCode !== 0) {
        this.recorder.note(`replica ${this.index} did not end well: ${this.process?.exitCode}`);
        this.process?.signal('SIGKILL');
        await this.process?.end(STOP_LIMIT_MS);
      }
      await this.start();
    });
  }

  async stop(): Promise<void> {
    await this.changes;
    // After SIGTERM it would answer for three seconds more.
    this.process?.signal('SIGINT');
    await this.process?.end(STOP_LIMIT_MS);
    this.process?.signal('SIGKILL');
  }

  /** @returns the token, for its use; what is recorded is its tag */
  async read(waitSeconds: number, timeoutMs: number): Promise<string | null> {
    const { index, started: incarnation } = this;
    const at = now();
    const answer = await this.call('GET', `/access-token?wait=${waitSeconds}`, timeoutMs);
    const token = textOf(answer.body.access_token);
    const expiresAt = textOf(answer.body.expires_at);
    this.recorder.add({
      kind: 'read',
      replica: index,
      incarnation,
      at,
      endedAt: now(),
      status: answer.status,
      code: textOf(answer.body.code) ?? answer.failure,
      version: numberOf(answer.body.version),
      tag: token === null ? null : tagOf(token),
      expiresAt: expiresAt === null ? null : Date.parse(expiresAt),
    });
    return token;
  }

  async report(token: string, errcode: number, timeoutMs: number): Promise<void> {
    const at = now();
    const body = { access_token: token, errcode };
    const answer = await this.call('POST', '/access-token/report?wait=2', timeoutMs, body);
    this.recorder.add({
      kind: 'report',
      replica: this.index,
      at,
      endedAt: now(),
      tag: tagOf(token),
      status: answer.status,
      code: textOf(answer.body.code) ?? answer.failure,
      outcome: textOf(answer.body.outcome),
    });
  }

  async adminRefresh(force: boolean): Promise<void> {
    const at = now();
    const answer = await httpCall({
      method: 'POST',
      url: `${this.url ?? NOWHERE}/v1/admin/accounts/${this.options.appId}/access-token/refresh?wait=2`,
      headers: { authorization: `Bearer ${this.options.adminKey}` },
      body: { force, reason: 'fault run' },
      timeoutMs: 5_000,
    });
    const { rotated } = answer.body;
    this.recorder.add({
      kind: 'admin_refresh',
      replica: this.index,
      at,
      endedAt: now(),
      status: answer.status,
      code: textOf(answer.body.code) ?? answer.failure,
      rotated: typeof rotated === 'boolean' ? rotated : null,
    });
  }

  private call(
    method: 'GET' | 'POST',
    path: string,
    timeoutMs: number,
    body?: unknown,
  ): ReturnType<typeof httpCall> {
    return httpCall({
      method,
      url: `${this.url ?? NOWHERE}/v1/accounts/${this.options.appId}${path}`,
      headers: { authorization: `Bearer ${this.options.clientKey}` },
      timeoutMs,
      ...(body !== undefined && { body }),
    });
  }

  private absent(how: Absence['how'], change: () => Promise<void>): Promise<void> {
    const done = this.changes.then(async () => {
      const at = now();
      try {
        await change();
      } finally {
        this.recorder.add({ kind: 'absence', replica: this.index, how, at, endedAt: now() });
      }
    });
    this.changes = done.catch(() => undefined);
    return done;
  }

  private hear(line: string): void {
    this.lines.push(line);
    const fields = parseLine(line);
    const event = textOf(fields.event);
    if (event === null) {
      return;
    }
    if (event === 'listening') {
      this.url = textOf(fields.url) ?? undefined;
    }
    this.recorder.add({ kind: 'log', replica: this.index, at: now(), event, fields });
  }
}

/** Discard, which nobody listens at: a call to a replica that is down is refused. */
const NOWHERE = 'http://127.0.0.1:9';

function parseLine(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
