import { describe, expect, it } from '@jest/globals';
import { requestIdOf } from './request-id.js';

const MADE = /^[\w-]{12}-[0-9a-z]+$/;
const idFor = (given?: string | string[]): string =>
  requestIdOf({ headers: given === undefined ? {} : { 'x-request-id': given } });

describe('the request id', () => {
  it.each(['a', 'order-17.A_b', 'x'.repeat(128)])(
    'is the caller’s where it is sane: %s',
    (given) => {
      expect(idFor(given)).toBe(given);
    },
  );

  it.each([undefined, '', 'x'.repeat(129), 'a b', 'a"b', 'a\nb', 'ä'])(
    'is made here in place of %p',
    (given) => {
      expect(idFor(given)).toMatch(MADE);
    },
  );

  it('is another one each time', () => {
    expect(idFor()).not.toBe(idFor());
  });
});
