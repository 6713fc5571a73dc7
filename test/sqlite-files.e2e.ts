import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP_ID, APP_SECRET, startService, type Service } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

let folder: string;
let wechat: Simulator;
const services: Service[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wtc-modes-'));
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.close()));
  await wechat.close();
  rmSync(folder, { recursive: true });
});

describe('the files of a SQLite database', () => {
  it('are for their owner alone, also when they were not at the start', async () => {
    const file = join(folder, 'data', 'test.sqlite');
    const start = async (): Promise<Service> => {
      const service = await startService(wechat, { DATABASE_URL: `sqlite:${file}` });
      services.push(service);
      await service.ready();
      return service;
    };
    const modes = (): string[] =>
      ['', '-wal', '-shm'].map((end) => (statSync(file + end).mode & 0o777).toString(8));
    const umask = process.umask(0o022);
    try {
      const first = await start();
      expect(modes()).toEqual(['600', '600', '600']);
      expect(first.logged).not.toContain('had mode');
      await services.pop()?.close();

      chmodSync(file, 0o644);
      const second = await start();
      expect(modes()).toEqual(['600', '600', '600']);
      expect(second.logged).toContain('test.sqlite had mode 644');
    } finally {
      process.umask(umask);
    }
  });
});
