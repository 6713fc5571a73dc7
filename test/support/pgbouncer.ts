import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { freePort } from './process.js';

const PATH = `${process.env.PATH ?? ''}:/usr/sbin`;

export interface Pooler {
  /** The same database, through the pooler. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A pgbouncer as the package configures it, but for the addresses and the mode. */
export async function startPgbouncer(
  databaseUrl: string,
  mode: 'session' | 'transaction',
): Promise<Pooler> {
  const server = new URL(databaseUrl);
  const name = server.pathname.slice(1);
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'wtc-pgbouncer-'));
  const file = join(folder, 'pgbouncer.ini');
  const password = server.password === '' ? '' : ` password=${server.password}`;
  writeFileSync(
    file,
    [
      '[databases]',
      `${name} = host=${server.hostname} port=${server.port || '5432'} user=${server.username}${password}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      `pool_mode = ${mode}`,
      // In transaction mode, fewer than the replicas use: a statement may come to any server connection.
      `default_pool_size = ${mode === 'transaction' ? 3 : 20}`,
    ].join('\n'),
  );
  // It does not run as root, and then another user has to read its file.
  chmodSync(folder, 0o755);
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', ['-q', ...asUser, file], { env: { PATH }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  await eventually(() => accepts(port));
  return {
    url: `postgres://${server.username}@127.0.0.1:${port}/${name}`,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function accepts(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
