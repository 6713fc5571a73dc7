import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { parseAppConfig } from '../config/parse-app-config.js';
import { Clock } from '../time/clock.js';
import { ClientDirectory, NO_GATEWAY_RULES, type Client } from './client-directory.js';
import { createClientKey } from './client-key.js';
import { hashKey, presented } from './presented-key.js';
import { SCOPES } from './scope.js';

const CLIENT_KEY = 'client-key-of-this-spec';

function directoryOf(clock = new Clock()): ClientDirectory {
  const config = parseAppConfig({
    ADMIN_API_KEY: 'admin-key-of-this-spec',
    CLIENT_API_KEY: CLIENT_KEY,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  });
  return new ClientDirectory(config, clock);
}

function client(keyId: string, changes: Partial<Client> = {}): Client {
  return {
    id: 'orders',
    keyId,
    scopes: new Set(['gateway']),
    accounts: 'all',
    gateway: NO_GATEWAY_RULES,
    ...changes,
  };
}

describe('the client of the environment', () => {
  it('has every scope, no rule of the gateway, and no id of a key', () => {
    expect(directoryOf().find(presented(CLIENT_KEY))).toEqual({
      id: 'default',
      scopes: new Set(SCOPES),
      accounts: 'all',
      gateway: { allow: [], perMinute: 600 },
    });
  });
});

describe('a client by the id of its key', () => {
  const first = createClientKey();
  const second = createClientKey();

  it('is the one of that key, as the key itself would find it', () => {
    const directory = directoryOf();
    directory.replaceStored(
      new Map([
        [hashKey(first), client('key-1')],
        [hashKey(second), client('key-2')],
      ]),
    );
    expect(directory.findByKeyId('key-2')).toBe(directory.find(presented(second)));
    expect(directory.findByKeyId('key-1')).toBe(directory.find(presented(first)));
    expect(directory.findByKeyId('key-3')).toBeUndefined();
    expect(directory.findByKeyId('')).toBeUndefined();
  });

  it('is gone once the key is revoked', () => {
    const directory = directoryOf();
    directory.replaceStored(new Map([[hashKey(first), client('key-1')]]));
    expect(directory.findByKeyId('key-1')?.id).toBe('orders');
    directory.replaceStored(new Map());
    expect(directory.findByKeyId('key-1')).toBeUndefined();
  });

  it('is gone once the key expires, and until then its use is marked', () => {
    const clock = new Clock();
    const directory = directoryOf(clock);
    const use = { atMs: 0 };
    const expiresAtMs = clock.wallMs() + 60_000;
    directory.replaceStored(new Map([[hashKey(first), client('key-1', { expiresAtMs, use })]]));
    directory.markUsesAt(1_000);
    expect(directory.findByKeyId('key-1')?.id).toBe('orders');
    expect(use.atMs).toBe(1_000);
    clock.advance(60_000);
    directory.markUsesAt(2_000);
    expect(directory.findByKeyId('key-1')).toBeUndefined();
    expect(use.atMs).toBe(1_000);
  });

  it('that is not found is put off until the stored clients are read', () => {
    const directory = directoryOf();
    expect(directory.findByKeyId('key-1')).toBeUndefined();
    expect(directory.notYet({ mayBeStored: true })?.code).toBe('database_unavailable');
    directory.replaceStored(new Map());
    expect(directory.notYet({ mayBeStored: true })).toBeUndefined();
  });
});
