import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { parseAppConfig } from '../config/parse-app-config.js';
import { Keyring } from '../encryption/keyring.js';
import { checkKeys, WrongKeyError } from './key-check.js';

function keyring(): Keyring {
  return new Keyring(
    parseAppConfig({
      ADMIN_API_KEY: randomBytes(24).toString('hex'),
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    }),
  );
}

describe('the key check', () => {
  const keys = keyring();
  let database: DataSource;

  beforeEach(async () => {
    database = await new DataSource({ type: 'sqlite', database: ':memory:' }).initialize();
    await database.query('CREATE TABLE wtc_key_check (id INTEGER PRIMARY KEY, sealed BLOB)');
    await checkKeys(database, keys);
  });
  afterEach(async () => {
    await database.destroy();
  });

  async function sealed(): Promise<string> {
    const rows = await database.query<{ sealed: string }[]>('SELECT sealed FROM wtc_key_check');
    return rows[0]?.sealed ?? '';
  }

  it('is written into an empty database and opens with the same key', async () => {
    const before = await sealed();
    await checkKeys(database, keys);
    expect(await sealed()).toBe(before);
  });

  it('ends the start with another key', async () => {
    await expect(checkKeys(database, keyring())).rejects.toThrow(
      /^ENCRYPTION_KEY does not open this database: it is sealed with the key/,
    );
  });

  it.each([
    ['with another ending', (text: string) => text.slice(0, -4) + 'AAAA'],
    ['cut off', (text: string) => text.slice(0, -10)],
    ['with the id of another key', (text: string) => text.replace(/^v1\.\w+/, 'v1.nonsense')],
    ['for another place', () => keys.seal('x', { table: 'account', row: '1', column: 'secret' })],
    ['empty', () => ''],
    ['another text', () => 'x'],
    ['null', () => null],
    ['bytes', () => Buffer.from('x')],
  ])('ends the start when it was changed: %s', async (_what, change) => {
    await database.query('UPDATE wtc_key_check SET sealed = ?', [change(await sealed())]);
    const refused = checkKeys(database, keys);
    await expect(refused).rejects.toThrow(WrongKeyError);
    await expect(refused).rejects.toThrow(/^The key check of this database/);
  });
});
