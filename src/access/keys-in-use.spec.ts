import { describe, expect, it } from '@jest/globals';
import { KeysInUse } from './keys-in-use.js';

describe('the addresses that a key is used from', () => {
  it('are told apart from those of other keys', () => {
    const keys = new KeysInUse();
    keys.add('key', '192.0.2.1');
    expect(keys.has('key', '192.0.2.1')).toBe(true);
    expect(keys.has('key', '192.0.2.2')).toBe(false);
    expect(keys.has('other', '192.0.2.1')).toBe(false);
  });

  it('are the latest ones; a key with many addresses pushes out none of another key', () => {
    const keys = new KeysInUse(10, 2);
    keys.add('other', '192.0.2.9');
    keys.add('key', '192.0.2.1');
    keys.add('key', '192.0.2.2');
    keys.add('key', '192.0.2.3');
    expect(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((ip) => keys.has('key', ip))).toEqual([
      false,
      true,
      true,
    ]);
    expect(keys.has('other', '192.0.2.9')).toBe(true);
  });

  it('are kept for so many keys, the latest', () => {
    const keys = new KeysInUse(2, 10);
    for (const key of ['first', 'second', 'third']) {
      keys.add(key, '192.0.2.1');
    }
    expect(['first', 'second', 'third'].map((key) => keys.has(key, '192.0.2.1'))).toEqual([
      false,
      true,
      true,
    ]);
  });
});
