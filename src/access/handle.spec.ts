import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { isHandle, packHandle, unpackHandle, type HandleSigner } from './handle.js';

function signerOf(key: string): HandleSigner {
  const sign = (data: Uint8Array): Buffer => createHmac('sha256', key).update(data).digest();
  return { sign, verify: (data, signature) => timingSafeEqual(sign(data), signature) };
}

const SIGNER = signerOf('one');
const HANDLE = { keyId: randomUUID(), appId: 'wx0123456789abcdef', expiresAtMs: 1_795_900_000_000 };

describe('a handle', () => {
  it('is read as it was made', () => {
    const text = packHandle(HANDLE, SIGNER);
    expect(unpackHandle(text, SIGNER)).toEqual(HANDLE);
    expect(isHandle(text)).toBe(true);
  });

  it('is short enough for SDKs and made of what no URL encodes', () => {
    const text = packHandle({ ...HANDLE, appId: 'a'.repeat(32) }, SIGNER);
    expect(text).toMatch(/^wtch_[A-Za-z0-9_-]{1,251}$/);
  });

  it('signed with another key is rejected', () => {
    expect(unpackHandle(packHandle(HANDLE, signerOf('two')), SIGNER)).toBeUndefined();
  });

  it('with one changed character is rejected', () => {
    const text = packHandle(HANDLE, SIGNER);
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom('A', 'a', 'Z', 'z', '0', '9', '-', '_'),
        (at, character) => {
          fc.pre(text[at] !== character);
          const changed = text.slice(0, at) + character + text.slice(at + 1);
          expect(unpackHandle(changed, SIGNER)).toBeUndefined();
        },
      ),
    );
  });

  it.each(['', 'wtch_', 'wtch_AQ', '84_token', packHandle(HANDLE, SIGNER).slice(0, -1)])(
    'is not %j',
    (text) => {
      expect(unpackHandle(text, SIGNER)).toBeUndefined();
    },
  );
});
