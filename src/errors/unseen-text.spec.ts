import { describe, expect, it } from '@jest/globals';
import { escapeUnseen, VISIBLE_LINE } from './unseen-text.js';

describe('text that is not what it seems', () => {
  it.each([
    ['\u0000', '\\u0000'],
    ['\u001b', '\\u001b'],
    ['\n', '\\u000a'],
    ['\u007f', '\\u007f'],
    ['\u0085', '\\u0085'],
    ['\u00ad', '\\u00ad'],
    ['\u061c', '\\u061c'],
    ['\u200b', '\\u200b'],
    ['\u200e', '\\u200e'],
    ['\u2028', '\\u2028'],
    ['\u2029', '\\u2029'],
    ['\u202e', '\\u202e'],
    ['\u2066', '\\u2066'],
    ['\ufeff', '\\ufeff'],
    ['\u{e0041}', '\\ue0041'],
    ['\ud800', '\\ud800'],
  ])('is refused, and written as a code: %j', (character, code) => {
    expect(VISIBLE_LINE.test(`a${character}b`)).toBe(false);
    expect(escapeUnseen(`a${character}b`)).toBe(`a${code}b`);
  });

  it.each(['', 'Shop, production', '商城（测试）', '👨‍👩‍👧 🇨🇳', 'می‌خواهم', 'a\u00a0b\u3000c'])(
    'is not: %s',
    (text) => {
      expect(VISIBLE_LINE.test(text)).toBe(true);
      expect(escapeUnseen(text)).toBe(text);
    },
  );
});
