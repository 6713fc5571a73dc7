import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { eventually } from './eventually.js';
import { freePort } from './process.js';

export interface MariadbServer {
  /** Of an empty database. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A server of the test's own, with `settings` as mariadbd takes them: what an operator may have configured. */
export async function startMariadb(settings: readonly string[]): Promise<MariadbServer> {
  const folder = mkdtempSync(join(tmpdir(), 'wtc-mariadb-'));
  const data = join(folder, 'data');
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  const installed = spawnSync('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...asRoot,
  ]);
  if (installed.status !== 0) {
    throw new Error(`mariadb-install-db failed: ${installed.stderr.toString()}`);
  }
  const port = await freePort();
  const server = spawn(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${join(folder, 'socket')}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      ...asRoot,
      ...settings,
    ],
    { stdio: 'ignore' },
  );
  const ended = once(server, 'exit');
  const url = `mysql://root@127.0.0.1:${port}`;
  await eventually(() => createDatabase(url), 60_000);
  return {
    url: `${url}/wtc`,
    stop: async () => {
      server.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function createDatabase(url: string): Promise<void> {
  const source = new DataSource({ type: 'mysql', url });
  await source.initialize();
  try {
    await source.query('CREATE DATABASE IF NOT EXISTS wtc');
  } finally {
    await source.destroy();
  }
}
