import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from './support/eventually.js';
import { freePort, killProcesses, startProcess, type ServiceProcess } from './support/process.js';
import { APP_ID, APP_SECRET, CLIENT_KEY, environmentFor } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * Two replicas behind nginx with the configuration of ops/, restarted one after the other under load, each only
 * when the one before is ready, as docs/operations.md says. Requires nginx (Debian's nginx-light). A machine without it
 * says so and leaves the rest out; with REQUIRE_OPS_TOOLS=1, as in CI, that is a failure.
 */

const LONG_MS = 180_000;
const ROUNDS = 2;
const READERS = 4;
const REPORTERS = 2;
const PAUSE_MS = 5;
// nginx stands where only root's PATH looks.
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
const hasNginx = spawnSync('nginx', ['-v'], { env: { PATH } }).status === 0;
const isRequired = process.env.REQUIRE_OPS_TOOLS === '1';

/** nginx as ops/ configures it, between a port of this machine and two others. */
class Nginx {
  readonly agent: Agent;
  private child: ChildProcess | undefined;

  constructor(
    private readonly folder: string,
    readonly port: number,
    private readonly replicaPorts: readonly [number, number],
  ) {
    const ca = readFileSync('test/support/localhost.cert.pem');
    this.agent = new Agent({ keepAlive: true, ca, servername: 'localhost' });
  }

  async start(): Promise<void> {
    const site = readFileSync('ops/nginx/wechat-token-center.conf', 'utf8')
      .replace('10.0.0.5:3000', `127.0.0.1:${this.replicaPorts[0]}`)
      .replace('10.0.0.6:3000', `127.0.0.1:${this.replicaPorts[1]}`)
      .replace('listen 443 ssl', `listen 127.0.0.1:${this.port} ssl`)
      .replace(/\S+fullchain\.pem/, resolve('test/support/localhost.cert.pem'))
      .replace(/\S+privkey\.pem/, resolve('test/support/localhost.key.pem'))
      .replaceAll('/var/log/nginx', this.folder);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${this.folder}/${name};`,
    );
    const main = [
      // Its workers are of another user else, who may not enter the folder.
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      'worker_processes 2;',
      'daemon off;',
      `pid ${this.folder}/pid;`,
      'events {}',
      `http { ${temporary.join(' ')} include ${this.folder}/site.conf; }`,
    ];
    writeFileSync(join(this.folder, 'site.conf'), site);
    writeFileSync(join(this.folder, 'main.conf'), main.join('\n'));
    const args = ['-p', this.folder, '-c', 'main.conf', '-e', join(this.folder, 'error.log')];
    this.child = spawn('nginx', args, { env: { PATH }, stdio: ['ignore', 'ignore', 'inherit'] });
    await eventually(() => this.send('GET', '/healthz'));
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    if (this.child?.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await ended;
    }
  }

  /** @returns the status */
  async send(method: string, path: string, body?: string): Promise<number> {
    const headers = {
      authorization: `Bearer ${CLIENT_KEY}`,
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      }),
    };
    const sent = request({
      host: '127.0.0.1',
      port: this.port,
      agent: this.agent,
      method,
      path,
      headers,
    });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [
      NodeJS.ReadableStream & { statusCode: number },
    ];
    answer.resume();
    await once(answer, 'end');
    return answer.statusCode;
  }
}

it('nginx is installed, or its absence is told', () => {
  if (!hasNginx) {
    process.stderr.write('rolling-restart: nginx is not installed; its tests are left out.\n');
  }
  expect(hasNginx || !isRequired).toBe(true);
});

const describeWithNginx = hasNginx ? describe : (): void => undefined;

describeWithNginx('nginx before two replicas that are restarted one after the other', () => {
  let folder: string;
  let wechat: Simulator;
  let nginx: Nginx;
  let ports: [number, number];
  let replicas: ServiceProcess[];

  function environment(port: number): Record<string, string | undefined> {
    const database = `sqlite:${join(folder, 'shared.sqlite')}`;
    return {
      ...environmentFor(wechat, { DATABASE_URL: database, TRUSTED_PROXIES: '127.0.0.1' }),
      PORT: String(port),
    };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wtc-nginx-'));
    wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
    ports = [await freePort(), await freePort()];
    replicas = [];
    for (const port of ports) {
      replicas.push(await startProcess(environment(port)).ready());
    }
    mkdirSync(join(folder, 'nginx'));
    nginx = new Nginx(join(folder, 'nginx'), await freePort(), ports);
    await nginx.start();
  }, LONG_MS);
  afterAll(async () => {
    await nginx.stop();
    await killProcesses();
    await wechat.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'loses no read and no report',
    async () => {
      const counts = new Map<string, number>();
      const load = new AbortController();
      const repeat = async (what: string, send: () => Promise<number>): Promise<void> => {
        while (!load.signal.aborted) {
          const status = await send().catch((error: unknown) => String(error));
          const key = `${what}: ${status}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
          await delay(PAUSE_MS);
        }
      };
      const path = `/v1/accounts/${APP_ID}/access-token`;
      const body = JSON.stringify({ access_token: 'an-older-one', errcode: 40001 });
      const loops = [
        ...Array.from({ length: READERS }, () => repeat('read', () => nginx.send('GET', path))),
        ...Array.from({ length: REPORTERS }, () =>
          repeat('report', () => nginx.send('POST', `${path}/report`, body)),
        ),
      ];
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const [index, port] of ports.entries()) {
          const { code } = await replicas[index]!.stop('SIGTERM');
          expect(code).toBe(0);
          replicas[index] = await startProcess(environment(port)).ready();
        }
      }
      load.abort();
      await Promise.all(loops);
      expect(counts.get('read: 200')).toBeGreaterThan(100);
      expect([...counts.keys()].sort()).toEqual(['read: 200', 'report: 200']);
    },
    LONG_MS,
  );
});
