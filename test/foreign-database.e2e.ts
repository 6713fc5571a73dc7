import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { createDatabase, openDatabase, type TestDatabase } from './support/database.js';
import { killProcesses, startProcess } from './support/process.js';
import { environmentFor } from './support/service.js';

/** A database that is not empty and not ours. No WeChat is needed: the start ends before anything is asked. */
const NOWHERE = { url: 'http://127.0.0.1:9' };

let database: TestDatabase;
let source: DataSource;

beforeEach(async () => {
  database = await createDatabase();
  source = await openDatabase(database);
});
afterEach(async () => {
  await killProcesses();
  await source.destroy();
  await database.remove();
});

async function refusal(): Promise<{ code: number | null; output: string }> {
  return startProcess(environmentFor(NOWHERE, { DATABASE_URL: database.url })).exited;
}

describe('a database of another program', () => {
  it('ends the start before the first change, with advice', async () => {
    await source.query('CREATE TABLE account (id integer PRIMARY KEY, owner varchar(20))');
    await source.query("INSERT INTO account (id, owner) VALUES (1, 'Mei')");
    const { code, output } = await refusal();
    expect(code).toBe(1);
    expect(output).toContain('has tables of another program (account). Nothing was changed.');
    expect(output).toContain(
      'Create an empty database for this service and name it in DATABASE_URL.',
    );
    expect(await source.query('SELECT * FROM account')).toEqual([{ id: 1, owner: 'Mei' }]);
    const runner = source.createQueryRunner();
    expect(await runner.hasTable('wtc_migrations')).toBe(false);
    expect(await runner.hasTable('wtc_account')).toBe(false);
    await runner.release();
  });

  it('is told apart from one that a version without the prefix made', async () => {
    for (const name of ['key_check', 'credential', 'refresh_history', 'migrations']) {
      await source.query(`CREATE TABLE ${name} (id integer PRIMARY KEY)`);
    }
    const { code, output } = await refusal();
    expect(code).toBe(1);
    expect(output).toContain('made by a version from before the first release');
  });
});
