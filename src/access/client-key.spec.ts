import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createClientKey, isMistyped } from './client-key.js';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const KNOWN = 'wtc_0123456789ABCDEFGHIJKLMNOPQRSTUVWX';

describe('a client key', () => {
  it('is wtc_, 34 base62 characters and 6 of checksum, and another each time', () => {
    const keys = Array.from({ length: 1_000 }, createClientKey);
    for (const key of keys) {
      expect(key).toMatch(/^wtc_[0-9A-Za-z]{40}$/);
      expect(isMistyped(key)).toBe(false);
    }
    expect(new Set(keys).size).toBe(1_000);
  });

  it('has the CRC-32 of all before it as its checksum, in base62', () => {
    // 0xdc3e8091, as zlib of Python says.
    expect(isMistyped(`${KNOWN}424C3d`)).toBe(false);
    expect(isMistyped(`${KNOWN}424C3e`)).toBe(true);
  });

  it('draws every character alike: each of 62 within 5 sigma of its share', () => {
    const counts = new Map<string, number>();
    const total = 34 * 6_000;
    for (let index = 0; index < 6_000; index += 1) {
      for (const character of createClientKey().slice(4, 38)) {
        counts.set(character, (counts.get(character) ?? 0) + 1);
      }
    }
    const share = total / 62;
    const sigma = Math.sqrt(total * (1 / 62) * (61 / 62));
    expect([...counts.keys()].sort().join('')).toBe(DIGITS);
    for (const [character, count] of counts) {
      // A byte taken modulo 62 would give the first 8 characters a fourth more than the others: 14 sigma.
      expect([character, Math.abs(count - share) < 5 * sigma]).toEqual([character, true]);
    }
  });
});

describe('a mistyped key', () => {
  const key = fc.constant(null).map(createClientKey);
  const digit = fc.integer({ min: 0, max: 61 }).map((at) => DIGITS.charAt(at));

  it('with one wrong character is known, wherever it stands after the prefix', () => {
    fc.assert(
      fc.property(key, fc.integer({ min: 4, max: 43 }), digit, (right, at, other) => {
        fc.pre(right[at] !== other);
        expect(isMistyped(right.slice(0, at) + other + right.slice(at + 1))).toBe(true);
      }),
    );
  });

  it('with two neighbours exchanged is known', () => {
    fc.assert(
      fc.property(key, fc.integer({ min: 4, max: 42 }), (right, at) => {
        const [one = '', two = ''] = right.slice(at, at + 2);
        fc.pre(one !== two);
        expect(isMistyped(right.slice(0, at) + two + one + right.slice(at + 2))).toBe(true);
      }),
    );
  });

  it('that is cut off, or goes on, is known', () => {
    fc.assert(
      fc.property(
        key,
        fc.integer({ min: 4, max: 43 }),
        fc.string({ minLength: 1 }),
        (k, end, more) => {
          expect(isMistyped(k.slice(0, end))).toBe(true);
          expect(isMistyped(k + more)).toBe(true);
        },
      ),
    );
  });

  it('is no key without the prefix: those of the environment are as they are', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.startsWith('wtc_'));
        expect(isMistyped(text)).toBe(false);
      }),
    );
  });

  it('made up at random is all but never taken for a right one', () => {
    fc.assert(
      fc.property(fc.string({ unit: digit, minLength: 40, maxLength: 40 }), (text) => {
        expect(isMistyped(`wtc_${text}`)).toBe(true);
      }),
    );
  });
});
