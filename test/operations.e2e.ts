import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Machine, section } from './support/machine.js';
import { killProcesses } from './support/process.js';
import { APP_ID, APP_SECRET } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * A section of docs/operations.md, run as it is written, on a machine that is a folder, where "systemctl" starts
 * and stops a real process of the service.
 */

const LONG_MS = 120_000;

let wechat: Simulator;
let host: Machine;

beforeEach(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  const key = randomBytes(32).toString('base64');
  host = await Machine.create(wechat, { 'encryption-key': key, 'encryption-previous-keys': key });
});
afterEach(async () => {
  await host.remove();
  await killProcesses();
  await wechat.close();
});

describe('back up and restore', () => {
  const [backup, restore] = section('Back up and restore');

  beforeEach(() => host.start());

  it(
    'as written: copied while it runs, restored after a loss, the token served with no call to WeChat',
    async () => {
      const before = (await host.service.read()).body;
      const copied = await host.run(backup);
      expect(copied.output).toMatch(/holds a copy of .+ \(\d+ bytes, checked\)/);
      const copy = host.path('/var/backups/wechat-token-center.sqlite');
      expect(statSync(copy).mode & 0o777).toBe(0o600);
      expect(readFileSync(copy).includes(before.access_token)).toBe(false);

      host.afterStop = () => {
        const file = host.path('/var/lib/wechat-token-center/wechat-token-center.sqlite');
        writeFileSync(file, 'what a broken disk leaves behind');
        writeFileSync(`${file}-wal`, 'and of its log');
      };
      const since = await wechat.lastSeq();
      expect(await host.run(restore)).toMatchObject({ code: 0 });

      const after = (await host.service.read()).body;
      expect(after.access_token).toBe(before.access_token);
      expect(after.version).toBe(before.version);
      expect(await wechat.countCalls({ since })).toBe(0);
    },
    LONG_MS,
  );

  it(
    'overwrites no file, and copies no database that there is not',
    async () => {
      const copy = host.path('/var/backups/wechat-token-center.sqlite');
      writeFileSync(copy, 'an older copy');
      expect(await host.run(backup)).toMatchObject({
        code: 1,
        output: expect.stringMatching(/EEXIST/),
      });
      expect(readFileSync(copy, 'utf8')).toBe('an older copy');

      const nowhere = `DATABASE_URL=sqlite:${host.path('/nowhere.sqlite')} npm run backup -- ${copy}.2`;
      expect(await host.run(nowhere)).toMatchObject({
        code: 1,
        output: expect.stringMatching(/There is no database at/),
      });
      expect(existsSync(`${copy}.2`)).toBe(false);
      expect(existsSync(host.path('/nowhere.sqlite'))).toBe(false);

      const server = `DATABASE_URL=postgres://127.0.0.1/x npm run backup -- ${copy}.2`;
      expect(await host.run(server)).toMatchObject({
        code: 1,
        output: expect.stringMatching(/use its own tools/),
      });
      expect(await host.run('npm run backup')).toMatchObject({ code: 2 });
    },
    LONG_MS,
  );
});

describe('the command that rotates the encryption key', () => {
  const [make] = section('Rotate the encryption key');

  it(
    'overwrites no key, looks into no database that there is not, and knows no other argument',
    async () => {
      writeFileSync(host.secret('next-key'), 'the only copy');
      expect(await host.run(make)).toMatchObject({ code: 1 });
      expect(readFileSync(host.secret('next-key'), 'utf8')).toBe('the only copy');
      expect(await host.run('npm run rotate-encryption-key -- --now')).toMatchObject({ code: 2 });
      const nowhere = `DATABASE_URL=sqlite:${host.path('/nowhere.sqlite')} ENCRYPTION_KEY=${randomBytes(32).toString('base64')}`;
      expect(await host.run(`${nowhere} npm run rotate-encryption-key`)).toMatchObject({
        code: 1,
        output: expect.stringMatching(/There is no database at/),
      });
      expect(existsSync(host.path('/nowhere.sqlite'))).toBe(false);
    },
    LONG_MS,
  );
});
