import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess, type Exit, type ServiceProcess } from './process.js';
import { ADMIN_KEY, APP_ID, APP_SECRET, CLIENT_KEY } from './service.js';
import type { Simulator } from './simulator.js';

const SECRETS = '/etc/wechat-token-center/secrets';
const DATABASE = '/var/lib/wechat-token-center/wechat-token-center.sqlite';
/** Folders of an installation; /opt/wechat-token-center is this repository. */
const FOLDERS = [SECRETS, '/var/lib/wechat-token-center', '/var/backups'];

/** The blocks of shell commands in a section of docs/operations.md. */
export function section(title: string): string[] {
  const text = readFileSync('docs/operations.md', 'utf8');
  const own = text.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
  if (own === undefined) {
    throw new Error(`docs/operations.md has no section "${title}"`);
  }
  return [...own.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block ?? '');
}

/**
 * A machine as docs/operations.md installs one, in a temporary folder: its paths stand below that folder, and
 * `systemctl` on its PATH starts and stops a real process of the service, with the files of secrets that lie there.
 */
export class Machine {
  /** What happens to the machine while the service is stopped. */
  afterStop: () => void = () => undefined;
  private running: ServiceProcess | undefined;
  private readonly root = mkdtempSync(join(tmpdir(), 'wtc-machine-'));

  private constructor(
    private readonly wechat: Pick<Simulator, 'url'>,
    private readonly systemd: Server,
  ) {}

  static async create(
    wechat: Pick<Simulator, 'url'>,
    secrets: Readonly<Record<string, string>>,
  ): Promise<Machine> {
    const systemd = createServer();
    const machine = new Machine(wechat, systemd);
    systemd.on('request', (request, response) => {
      machine.obey(request.url ?? '').then(
        () => response.end(),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    systemd.listen(0, '127.0.0.1');
    await once(systemd, 'listening');
    machine.install({ 'database-url': machine.sqliteUrl, ...secrets });
    return machine;
  }

  get sqliteUrl(): string {
    return `sqlite:${this.path(DATABASE)}`;
  }

  get service(): ServiceProcess {
    if (this.running === undefined) {
      throw new Error('the service is not running');
    }
    return this.running;
  }

  path(path: string): string {
    return join(this.root, path);
  }

  secret(name: string): string {
    return this.path(join(SECRETS, name));
  }

  async start(): Promise<void> {
    this.running = await startProcess({
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_FORMAT: 'json',
      WECHAT_API_BASE_URL: this.wechat.url,
      WECHAT_APP_ID: APP_ID,
      WECHAT_APP_SECRET: APP_SECRET,
      ADMIN_API_KEY: ADMIN_KEY,
      CLIENT_API_KEY: CLIENT_KEY,
      DATABASE_URL_FILE: this.secret('database-url'),
      ENCRYPTION_KEY_FILE: this.secret('encryption-key'),
      ENCRYPTION_PREVIOUS_KEYS_FILE: this.secret('encryption-previous-keys'),
    }).ready();
  }

  /** Runs shell commands of the documentation as they are, but for where this machine's paths lie. */
  async run(commands = ''): Promise<Pick<Exit, 'code' | 'output'>> {
    const script = commands
      .replaceAll(
        /(?<![\w/.-])\/(?=(?:etc|var\/lib)\/wechat-token-center|var\/backups)/g,
        `${this.root}/`,
      )
      .replaceAll('/opt/wechat-token-center', process.cwd());
    const shell = spawn('/bin/bash', ['-euc', script], {
      env: { PATH: `${this.path('/bin')}:${process.env.PATH ?? ''}`, HOME: this.root },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const [code] = (await once(shell, 'close')) as [number | null];
    return { code, output };
  }

  async remove(): Promise<void> {
    this.systemd.close();
    this.systemd.closeAllConnections();
    await this.running?.stop('SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
  }

  private install(secrets: Readonly<Record<string, string>>): void {
    for (const folder of ['/bin', ...FOLDERS]) {
      mkdirSync(this.path(folder), { recursive: true });
    }
    for (const [name, secret] of Object.entries(secrets)) {
      writeFileSync(this.secret(name), `${secret}\n`);
    }
    const { port } = this.systemd.address() as AddressInfo;
    const systemctl = this.path('/bin/systemctl');
    writeFileSync(
      systemctl,
      `#!${process.execPath}
fetch('http://127.0.0.1:${port}/' + process.argv.slice(2).join('/'), { method: 'POST' })
  .then(async (answer) => {
    process.stderr.write(await answer.text());
    process.exitCode = answer.ok ? 0 : 1;
  });
`,
    );
    chmodSync(systemctl, 0o755);
  }

  private async obey(command: string): Promise<void> {
    const [, verb = '', unit] = command.split('/');
    if (unit !== 'wechat-token-center' || !['start', 'stop', 'restart'].includes(verb)) {
      throw new Error(`systemctl does not know "${command}"`);
    }
    if (verb !== 'start') {
      const { code, output } = await this.service.stop();
      this.running = undefined;
      this.afterStop();
      if (code !== 0) {
        throw new Error(`the service ended with ${code}:\n${output}`);
      }
    }
    if (verb !== 'stop') {
      await this.start();
    }
  }
}
