import { expect, it } from '@jest/globals';
import { collect, segment, wholeNumber } from './arguments.js';

it.each([
  ['wx0123456789abcdef', 'wx0123456789abcdef'],
  ['a/b?c#d', 'a%2Fb%3Fc%23d'],
  ['..', '%2E%2E'],
])('what is put into a path stays one part of it: %s', (text, part) => {
  expect(segment(text)).toBe(part);
});

it('an option may stand there more than once, and list several', () => {
  expect(collect('b, c', collect('a'))).toEqual(['a', 'b', 'c']);
});

it.each(['', '-1', '61', '1.5', '0x1', '1e1', 'a'])('is no number from 0 to 60: "%s"', (text) => {
  expect(() => wholeNumber(0, 60)(text)).toThrow('Write a whole number from 0 to 60.');
});
