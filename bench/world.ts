import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CORES, PinnedProcess, stopAll } from './pinned-process.js';
import type { Question } from './question.js';

export const APP_ID = 'wx0123456789abcdef';
export const APP_SECRET = 'bench-app-secret-0123456789abcdef';
export const CLIENT_KEY = 'bench-client-key-Rm2cYp9UsJ5eGv4a';
export const ADMIN_KEY = 'bench-admin-key-Hq3vZk8TnWd0LxBf';
export const READ_PATH = readPath(APP_ID);
const ENCRYPTION_KEY = randomBytes(32).toString('base64');
const READY_LIMIT_MS = 30_000;
const LOOK_AGAIN_MS = 200;

export type Baseline = 'bare-node' | 'bare-fastify' | 'stock-nest';

export interface ServiceOptions {
  /** As DATABASE_URL; without one, a new SQLite file. */
  readonly database?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Without one, that of the world. */
  readonly wechat?: PinnedProcess;
}

export function readPath(appId: string): string {
  return `/v1/accounts/${appId}/access-token`;
}

/** The plain read of the first account. */
export function readOf(process: PinnedProcess): Question {
  return { process, paths: [READ_PATH], headers: bearer(CLIENT_KEY), status: 200 };
}

export function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

/** What a scenario runs in: a folder, simulated WeChats, services and baselines, all gone afterwards. */
export class World {
  private readonly endings: (() => Promise<void>)[] = [];
  private files = 0;

  private constructor(readonly folder: string) {}

  static async create(): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), 'wtc-bench-')));
  }

  /** Work for the end of the scenario, also where it fails: after its processes, the last comes first. */
  atEnd(work: () => Promise<void>): void {
    this.endings.push(work);
  }

  async end(): Promise<void> {
    await stopAll();
    for (const work of this.endings.splice(0).reverse()) {
      await work();
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  sqlite(): string {
    return `sqlite:${join(this.folder, `bench-${(this.files += 1)}.sqlite`)}`;
  }

  wechat(env: Readonly<Record<string, string>> = {}): Promise<PinnedProcess> {
    return PinnedProcess.start({
      name: 'simulator',
      args: [resolve('dist/simulator/main.js')],
      cwd: this.folder,
      core: CORES.load,
      env: {
        SIMULATOR_PORT: '0',
        SIMULATOR_ACCOUNTS: `${APP_ID}:${APP_SECRET}`,
        ...env,
      },
    });
  }

  baseline(name: Baseline): Promise<PinnedProcess> {
    return this.program(name, CORES.measured);
  }

  /** A WeChat that costs the core of the load next to nothing. */
  fastWechat(): Promise<PinnedProcess> {
    return this.program('fast-wechat', CORES.load);
  }

  undiciProxy({ url }: PinnedProcess): Promise<PinnedProcess> {
    return this.program('undici-proxy', CORES.measured, { BENCH_UPSTREAM: url });
  }

  /** Of Debian's nginx-light. */
  async nginx({ url }: PinnedProcess): Promise<PinnedProcess> {
    const port = await freePort();
    const file = join(this.folder, `nginx-${port}.conf`);
    await writeFile(file, nginxConf(url, port, this.folder));
    return PinnedProcess.start({
      name: 'nginx',
      program: { command: '/usr/sbin/nginx', url: `http://127.0.0.1:${port}` },
      args: ['-c', file, '-p', this.folder],
      core: CORES.measured,
      env: {},
    });
  }

  private program(
    name: string,
    core: number,
    env: Readonly<Record<string, string>> = {},
  ): Promise<PinnedProcess> {
    return PinnedProcess.start({
      name,
      args: [
        '--import',
        resolve('scripts/load-typescript.mjs'),
        resolve(`bench/baselines/${name}.ts`),
      ],
      core,
      env: { BENCH_APP_ID: APP_ID, BENCH_KEY: CLIENT_KEY, NODE_ENV: 'production', ...env },
    });
  }

  /** The built service, with its first token fetched. */
  async service(wechat: PinnedProcess, options: ServiceOptions = {}): Promise<PinnedProcess> {
    const service = await this.startService(wechat, options);
    await untilServed(service);
    return service;
  }

  /** The built service, from the moment on when it listens. */
  startService(
    wechat: PinnedProcess,
    { database = this.sqlite(), env = {} }: ServiceOptions = {},
  ): Promise<PinnedProcess> {
    return PinnedProcess.start({
      name: 'service',
      args: [resolve('dist/main.js')],
      cwd: this.folder,
      core: CORES.measured,
      env: {
        PORT: '0',
        NODE_ENV: 'production',
        DATABASE_URL: database,
        WECHAT_APP_ID: APP_ID,
        WECHAT_APP_SECRET: APP_SECRET,
        WECHAT_API_BASE_URL: wechat.url,
        ADMIN_API_KEY: ADMIN_KEY,
        CLIENT_API_KEY: CLIENT_KEY,
        ENCRYPTION_KEY,
        ...env,
      },
    });
  }
}

/** @throws Error when no token is served within the limit */
export async function untilServed(service: PinnedProcess, path = READ_PATH): Promise<void> {
  const url = `${service.url}${path}?wait=${READY_LIMIT_MS / 1_000}`;
  const answer = await fetch(url, { headers: bearer(CLIENT_KEY) });
  const text = await answer.text();
  if (answer.status !== 200) {
    throw new Error(`${service.name} serves no token: ${answer.status} ${text}`);
  }
}

/** @throws Error when the service has not reached its database again within the limit */
export async function untilDatabaseUp(service: PinnedProcess): Promise<void> {
  const endsAt = performance.now() + READY_LIMIT_MS;
  for (;;) {
    const answer = await fetch(`${service.url}/metrics`, { headers: bearer(CLIENT_KEY) });
    if (/^wechat_token_center_database_up 1$/m.test(await answer.text())) {
      return;
    }
    if (performance.now() > endsAt) {
      throw new Error(`${service.name} does not find its database again`);
    }
    await delay(LOOK_AGAIN_MS);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** One process, which keeps its connections to WeChat: as an operator would write it for this. */
function nginxConf(upstream: string, port: number, folder: string): string {
  return `daemon off;
master_process off;
worker_processes 1;
pid ${folder}/nginx-${port}.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/nginx-body;
  proxy_temp_path ${folder}/nginx-proxy;
  fastcgi_temp_path ${folder}/nginx-fastcgi;
  uwsgi_temp_path ${folder}/nginx-uwsgi;
  scgi_temp_path ${folder}/nginx-scgi;
  upstream wechat { server ${new URL(upstream).host}; keepalive 256; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 10000000;
    location / {
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://wechat;
    }
  }
}
`;
}
