import { describe, expect, it } from '@jest/globals';
import { hash } from 'node:crypto';
import { areGuessable, isGuessable } from './key-strength.js';

/** As good as random, and the same in every run. */
function sha256(index: number): Buffer {
  return hash('sha256', String(index), 'buffer');
}

describe('isGuessable', () => {
  it.each([
    ['few different characters', 'x7Kq2mT9wx7Kq2mT9w'],
    ['one character', 'aaaaaaaaaaaaaaaa'],
    ['nine different characters', 'b9d2f4h6kb2d9h4f6k'],
    ['a sequence', 'abcdefghijklmnopqrst'],
    ['a sequence of figures and one of letters', '0123456789abcdef'],
    ['a sequence backwards', 'zyxwvutsrqponmlkjihg'],
    ['a repeated sequence', 'abcabcabcabcabcabcabc'],
    ['ten figures again and again', '01234567890123456789'],
    ['a word and a sequence', 'admin-key-0123456789'],
    ['the same word again and again', 'passwordpasswordpassword'],
    ['several words', 'wechat-admin-secret-token'],
    ['words in capitals', 'CHANGEME-PLEASE-CHANGEME'],
    ['words in disguise', 'P@ssw0rd-4dm1n-S3cr3t'],
    ['words and a year', 'WeChat-Token-Center-2026!'],
    ['the name of the variable', 'ADMIN_API_KEY=changeme'],
    ['the placeholder of the README', '<YOUR_CLIENT_API_KEY>'],
    ['a row of the keyboard', 'qwertyuiopasdfghjkl'],
    ['what is long only by repetition', 'kP4zkP4zkP4zkP4zkP4z'],
  ])('refuses %s', (_what, key) => {
    expect(isGuessable(key)).toBe(true);
  });

  it.each([
    ['24 bytes in hex', '5f0c1e9a7b3d48264c8e1f7a90b2d36e5a1c4f08b79d2e63'],
    ['16 bytes in hex', '9b1d5f0c7e3a48264c8e1f7a90b2d36e'],
    ['24 bytes in base64', 'Hq3v/8Zk1+TnWd0LxBf7Rm2cYp9UsJ5e'],
    ['random characters behind a word', 'admin-Hq3vZk1TnWd0LxBf7Rm2'],
    ['sixteen random characters', 'Hq3vZk8TnWd0LxBf'],
    ['ten different characters', 'b9d2f4h6kmb2d9h4f6mk'],
    ['a client key', 'wtc_4GkQ0b8rWc2HnXyT6sLfVd9JpM3uZe7iA5oB1N'],
  ])('takes %s', (_what, key) => {
    expect(isGuessable(key)).toBe(false);
  });

  it('takes every key that the documentation advises to make', () => {
    const keys = Array.from({ length: 2_000 }, (_, index) =>
      sha256(index).toString('hex').slice(16),
    );
    expect(keys.filter(isGuessable)).toEqual([]);
  });
});

describe('areGuessable', () => {
  it.each([
    ['zeros', Buffer.alloc(32)],
    ['one byte', Buffer.alloc(32, 7)],
    ['four bytes again and again', Buffer.alloc(32, 'f19c03ab', 'hex')],
    ['a sequence', Buffer.from(Array.from({ length: 32 }, (_, index) => index))],
    ['a sequence backwards', Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index))],
    ['every seventh', Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 7) % 256))],
    ['a text of words', Buffer.from('wechat-secret-encryption-key-123')],
    ['a text of figures', Buffer.from('01234567890123456789012345678901')],
  ])('refuses %s', (_what, bytes) => {
    expect(bytes).toHaveLength(32);
    expect(areGuessable(bytes)).toBe(true);
  });

  it('takes random bytes, and random figures', () => {
    const keys = Array.from({ length: 2_000 }, (_, index) => sha256(index));
    expect(keys.filter(areGuessable)).toEqual([]);
    expect(areGuessable(Buffer.from('9b1d5f0c7e3a48264c8e1f7a90b2d36e'))).toBe(false);
  });
});
