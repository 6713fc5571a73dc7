import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppConfig } from '../config/app-config.js';
import { Keyring, type SealedPlace } from './keyring.js';
import { SealedValueError } from './sealed-value.error.js';

const KEY_A = Buffer.alloc(32, 0xa1);
const KEY_B = Buffer.alloc(32, 0xb2);
const place: SealedPlace = { table: 'accounts', row: 'wx0123456789abcdef', column: 'app_secret' };

function keyring(current: Buffer, ...previous: Buffer[]): Keyring {
  return new Keyring(Object.assign(new AppConfig(), { encryption: { current, previous } }));
}

function failure(open: () => string): SealedValueError {
  try {
    open();
  } catch (error) {
    if (error instanceof SealedValueError) {
      return error;
    }
    throw error;
  }
  throw new Error('it opened');
}

describe('a sealed value', () => {
  it('opens to what was sealed, whatever the text', () => {
    const ring = keyring(KEY_A);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, row) => {
        expect(ring.open(ring.seal(text, { ...place, row }), { ...place, row })).toBe(text);
      }),
    );
  });

  it('is text of the form v1.keyId.iv.ciphertext.tag that does not show the content', () => {
    const sealed = keyring(KEY_A).seal('the-app-secret', place);
    expect(sealed).toMatch(/^v1\.[0-9a-f]{16}\.[\w-]{16}\.[\w-]{19}\.[\w-]{22}$/);
    expect(sealed).not.toContain('the-app-secret');
    expect(sealed).not.toContain(Buffer.from('the-app-secret').toString('base64url'));
  });

  it('has an IV of its own each time', () => {
    const ring = keyring(KEY_A);
    const ivs = Array.from({ length: 500 }, () => ring.seal('same', place).split('.')[2]);
    expect(new Set(ivs).size).toBe(500);
  });

  it.each<[string, SealedPlace]>([
    ['row', { ...place, row: 'wxfedcba9876543210' }],
    ['column', { ...place, column: 'access_token' }],
    ['table', { ...place, table: 'clients' }],
  ])('does not open in another %s', (_, elsewhere) => {
    const ring = keyring(KEY_A);
    const sealed = ring.seal('the-app-secret', place);
    expect(failure(() => ring.open(sealed, elsewhere)).message).toMatch(
      /does not open with key id [0-9a-f]{16}, though that key is configured: the value was altered, or copied from another place/,
    );
  });

  it('does not open where table, row and column only join to the same text', () => {
    const ring = keyring(KEY_A);
    const sealed = ring.seal('x', { table: 'a', row: 'b","c', column: 'd' });
    expect(() => ring.open(sealed, { table: 'a', row: 'b', column: 'c","d' })).toThrow(
      SealedValueError,
    );
  });

  it('does not open once any character was altered', () => {
    const ring = keyring(KEY_A);
    const sealed = ring.seal('the-app-secret', place);
    for (let index = 0; index < sealed.length; index++) {
      const other = sealed[index] === 'A' ? 'B' : 'A';
      const altered = sealed.slice(0, index) + other + sealed.slice(index + 1);
      expect(() => ring.open(altered, place)).toThrow(SealedValueError);
    }
  });

  it('does not open where only the spare bits of its last character were altered', () => {
    const ring = keyring(KEY_A);
    const sealed = ring.seal('the-app-secret', place);
    const altered = sealed.replace(
      /.$/,
      (last) => ({ A: 'B', Q: 'R', g: 'h', w: 'x' })[last] ?? '',
    );
    expect(altered).toHaveLength(sealed.length);
    expect(() => ring.open(altered, place)).toThrow(SealedValueError);
  });

  it.each(['', 'plain text', 'v2.0.0.0.0', 'v1.0123456789abcdef.short.x.short'])(
    'is not what %j is',
    (text) => {
      const error = failure(() => keyring(KEY_A).open(text, place));
      expect(error.message).toBe(
        'The value in column app_secret of table accounts, row wx0123456789abcdef, is not a sealed value of this version. Restore it from a backup, or set the value anew.',
      );
      expect(error.keyId).toBeUndefined();
    },
  );
});

describe('keys', () => {
  it('have ids that differ from a bare hash of the key', () => {
    const { currentKeyId } = keyring(KEY_A);
    expect(currentKeyId).toMatch(/^[0-9a-f]{16}$/);
    expect(currentKeyId).toBe(keyring(KEY_A).currentKeyId);
    expect(createHash('sha256').update(KEY_A).digest('hex')).not.toContain(currentKeyId);
  });

  it('are listed once each, the current one first', () => {
    const [a, b] = [keyring(KEY_A).currentKeyId, keyring(KEY_B).currentKeyId];
    expect(keyring(KEY_A, KEY_B, KEY_A).keyIds).toEqual([a, b]);
    expect(keyring(KEY_B, KEY_A).keyIds).toEqual([b, a]);
  });

  it('open what they sealed after they became previous ones; new values use the current one', () => {
    const before = keyring(KEY_A);
    const after = keyring(KEY_B, KEY_A);
    const sealed = before.seal('the-app-secret', place);
    expect(after.open(sealed, place)).toBe('the-app-secret');
    expect(after.keyIdOf(sealed)).toBe(before.currentKeyId);
    expect(after.keyIdOf(after.seal('x', place))).toBe(after.currentKeyId);
  });

  it('that are not configured are named, with what to do', () => {
    const sealed = keyring(KEY_A).seal('the-app-secret', place);
    const [a, b] = [keyring(KEY_A).currentKeyId, keyring(KEY_B).currentKeyId];
    const error = failure(() => keyring(KEY_B).open(sealed, place));
    expect(error.message).toBe(
      `The value in column app_secret of table accounts, row wx0123456789abcdef, was sealed with key id ${a}, which is not configured (configured: ${b}). ` +
        `Put the key with id ${a} into ENCRYPTION_PREVIOUS_KEYS.`,
    );
    expect(error).toMatchObject({ keyId: a, place });
  });
});

describe('secrecy', () => {
  const keyTexts = [KEY_A, KEY_B].flatMap((key) => [
    key.toString('hex'),
    key.toString('base64'),
    key.toString('base64url'),
    'a1 a1 a1',
    'b2 b2 b2',
  ]);

  it('no error shows the content or a key', () => {
    const sealed = keyring(KEY_A).seal('the-app-secret', place);
    const errors = [
      failure(() => keyring(KEY_B).open(sealed, place)),
      failure(() => keyring(KEY_A).open(sealed, { ...place, row: 'other' })),
      failure(() => keyring(KEY_A).open('the-app-secret', place)),
    ];
    const shown = errors
      .map((error) => inspect(error, { depth: Infinity, showHidden: true }))
      .join();
    for (const text of ['the-app-secret', sealed, ...keyTexts]) {
      expect(shown).not.toContain(text);
    }
  });

  it('printing a keyring shows no key', () => {
    const shown = inspect(keyring(KEY_A, KEY_B), { depth: Infinity, showHidden: true });
    for (const text of keyTexts) {
      expect(shown).not.toContain(text);
    }
  });
});

describe('a fingerprint', () => {
  it('matches its own text and no other', () => {
    const ring = keyring(KEY_A);
    const fingerprint = ring.fingerprint('the-app-secret');
    expect(fingerprint).toMatch(new RegExp(`^${ring.currentKeyId}\\.[\\w-]{43}$`));
    expect(ring.matchesFingerprint('the-app-secret', fingerprint)).toBe(true);
    expect(ring.matchesFingerprint('the-app-secreT', fingerprint)).toBe(false);
  });

  it('differs between keys, so that nobody can try secrets against it without the key', () => {
    const digests = [KEY_A, KEY_B].map((key) => keyring(key).fingerprint('x').split('.')[1]);
    expect(new Set(digests).size).toBe(2);
    expect(digests).not.toContain(createHash('sha256').update('x').digest('base64url'));
  });

  it('matches after its key became a previous one, and never without that key', () => {
    const fingerprint = keyring(KEY_A).fingerprint('the-app-secret');
    expect(keyring(KEY_B, KEY_A).matchesFingerprint('the-app-secret', fingerprint)).toBe(true);
    expect(keyring(KEY_B, KEY_A).matchesFingerprint('other', fingerprint)).toBe(false);
    expect(keyring(KEY_B).matchesFingerprint('the-app-secret', fingerprint)).toBe(false);
  });

  it.each(['', 'no fingerprint', '0123456789abcdef.short'])('%j matches nothing', (text) => {
    expect(keyring(KEY_A).matchesFingerprint('', text)).toBe(false);
  });
});
