import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SchedulerRegistry } from '@nestjs/schedule';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { AppModule } from '../../src/app.module.js';
import { ClientStore } from '../../src/clients/client-store.js';
import type { Environment } from '../../src/config/environment.js';
import { ReplicaSyncScheduler } from '../../src/database/replica-sync.scheduler.js';
import { parseAppConfig } from '../../src/config/parse-app-config.js';
import { AppLogger } from '../../src/observability/logger.js';
import { createApp } from '../../src/server/create-app.js';
import { Clock } from '../../src/time/clock.js';
import { CredentialScheduler } from '../../src/wechat/credentials/credential.scheduler.js';
import { CredentialStore } from '../../src/wechat/credentials/credential-store.js';
import { RefreshService } from '../../src/wechat/credentials/refresh.service.js';
import { createDatabase, databaseKind, type TestDatabase } from './database.js';
import type { Simulator } from './simulator.js';

export const APP_ID = 'wx0123456789abcdef';
export const APP_SECRET = 'canary-app-secret-0123456789abcdef';
export const ADMIN_KEY = 'canary-admin-key-Hq3vZk8TnWd0LxBf';
export const CLIENT_KEY = 'canary-client-key-Rm2cYp9UsJ5eGv4a';
/** One for all services of a test file, so that a second one opens the first one's database. */
export const ENCRYPTION_KEY = randomBytes(32).toString('base64');

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface TokenBody {
  readonly app_id: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly expires_at: string;
  readonly version: number;
  readonly cache_for: number;
  readonly outcome?: string;
}

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly error_id?: string;
  readonly errors?: { path: string; message: string }[];
  readonly upstream?: { errcode: number | null; errmsg: string; advice: string };
}

interface Call {
  readonly key?: string | undefined;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** The variables of a service with one account, pointed at a simulator. */
export function environmentFor(
  wechat: Pick<Simulator, 'url'>,
  changes: Environment = {},
): Environment {
  return {
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: 'sqlite::memory:',
    WECHAT_APP_ID: APP_ID,
    WECHAT_APP_SECRET: APP_SECRET,
    WECHAT_API_BASE_URL: wechat.url,
    WECHAT_TIMEOUT_MS: '1000',
    ADMIN_API_KEY: ADMIN_KEY,
    CLIENT_API_KEY: CLIENT_KEY,
    ENCRYPTION_KEY,
    LOG_FORMAT: 'json',
    ...changes,
  };
}

/** Starts the whole service in this process, listening on a free port. */
export async function startService(
  wechat: Pick<Simulator, 'url'>,
  changes: Environment = {},
): Promise<Service> {
  const ownDatabase =
    changes.DATABASE_URL === undefined && databaseKind !== 'sqlite'
      ? await createDatabase()
      : undefined;
  const environment = environmentFor(wechat, {
    ...(ownDatabase && { DATABASE_URL: ownDatabase.url }),
    ...changes,
  });
  const log = new LogCapture();
  const config = parseAppConfig(environment, false);
  const app = await createApp(AppModule.forRoot(config), config, new AppLogger(config.log, log));
  await app.listen({ host: config.http.host, port: config.http.port });
  return new Service(app, log, ownDatabase);
}

/** A test's hand on a service: real HTTP, the clock, and what it logged. */
export class Service {
  readonly url: string;

  constructor(
    readonly app: NestFastifyApplication,
    private readonly log: LogCapture,
    private readonly ownDatabase: TestDatabase | undefined,
  ) {
    const { port } = app.getHttpServer().address() as AddressInfo;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** What was logged so far. */
  get logged(): string {
    return this.log.text;
  }

  /** The logged lines of one event. */
  events(event: string): Record<string, unknown>[] {
    return this.log.text
      .split('\n')
      .filter((line) => line.includes(`"event":"${event}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async call<Body>(method: string, path: string, call: Call = {}): Promise<Answer<Body>> {
    const headers: Record<string, string> = { ...call.headers };
    if (call.key !== undefined) {
      headers.authorization = `Bearer ${call.key}`;
    }
    const init: RequestInit = { method, headers };
    if (call.body !== undefined) {
      headers['content-type'] ??= 'application/json';
      init.body = typeof call.body === 'string' ? call.body : JSON.stringify(call.body);
    }
    const response = await fetch(`${this.url}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text !== '' ? JSON.parse(text) : text) as Body,
    };
  }

  read(query = '', appId = APP_ID): Promise<Answer<TokenBody & ProblemBody>> {
    return this.call('GET', `/v1/accounts/${appId}/access-token${query}`, { key: CLIENT_KEY });
  }

  report(body: unknown, query = ''): Promise<Answer<TokenBody & ProblemBody>> {
    const path = `/v1/accounts/${APP_ID}/access-token/report${query}`;
    return this.call('POST', path, { key: CLIENT_KEY, body });
  }

  adminRefresh<Body = Record<string, unknown> & ProblemBody>(
    body?: unknown,
    query = '',
  ): Promise<Answer<Body>> {
    const path = `/v1/admin/accounts/${APP_ID}/access-token/refresh${query}`;
    return this.call('POST', path, { key: ADMIN_KEY, body });
  }

  async state(appId = APP_ID): Promise<Record<string, unknown>> {
    const path = `/v1/admin/accounts/${appId}`;
    const answer = await this.call<{ access_token: Record<string, unknown> }>('GET', path, {
      key: ADMIN_KEY,
    });
    return answer.body.access_token;
  }

  /** Moves the service's time, the database's as it sees it included. */
  advance(ms: number): void {
    this.app.get(Clock).advance(ms);
  }

  /** From here on time moves by hand: a second or a minute that turns in the real world does nothing. */
  stopCron(): void {
    for (const job of this.app.get(SchedulerRegistry).getCronJobs().values()) {
      void job.stop();
    }
  }

  /** What @Cron does once a second, and the end of what it started. */
  async tick(): Promise<void> {
    this.app.get(CredentialScheduler).startDue();
    await this.app.get(RefreshService).settled();
  }

  /** What the poll does once a second. */
  poll(): Promise<void> {
    return this.app.get(ReplicaSyncScheduler).poll();
  }

  /** The credentials are loaded and the first attempts have ended. */
  async ready(): Promise<void> {
    await this.app.get(CredentialStore).loaded;
    await this.app.get(ClientStore).loaded;
    await this.tick();
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.ownDatabase?.remove();
  }
}

class LogCapture extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
