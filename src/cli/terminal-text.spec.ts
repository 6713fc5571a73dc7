import { describe, expect, it } from '@jest/globals';
import { lines, oneLine, visibleJson } from './terminal-text.js';

const STEERS = [
  ['ESC', '\u001b'],
  ['a tab', '\t'],
  ['DEL', '\u007f'],
  ['CSI of one byte', '\u009b'],
  ['a turn of direction', '\u202e'],
  ['an isolate', '\u2066'],
  ['a mark of direction', '\u200f'],
  ['a line separator', '\u2028'],
  ['a paragraph separator', '\u2029'],
  ['a blank without width', '\u200b'],
  ['a byte order mark', '\ufeff'],
  ['a soft hyphen', '\u00ad'],
  ['a tag', '\u{e0041}'],
  ['half a pair', '\ud800'],
] as const;

describe('text for a terminal', () => {
  it.each(STEERS)('shows %s as a question mark, in JSON as its code', (_what, character) => {
    expect(oneLine(`a${character}b`)).toBe('a?b');
    expect(lines(`a${character}b\nc`)).toBe('a?b\nc');
    const json = visibleJson({ name: `a${character}b` });
    expect(json).toMatch(/^\{\n {2}"name": "a(\\u[0-9a-f]{4}|\\t)+b"\n\}$/);
    expect(JSON.parse(json)).toEqual({ name: `a${character}b` });
  });

  it('takes a line break for one of its own in several lines alone', () => {
    expect(oneLine('a\nb')).toBe('a?b');
    expect(lines('a\nb')).toBe('a\nb');
    expect(visibleJson('a\nb')).toBe('"a\\nb"');
  });

  it('leaves Chinese, emoji and what joins them', () => {
    const text = '商城 👨‍👩‍👧 café می‌خواهم';
    expect([oneLine(text), lines(text), visibleJson(text)]).toEqual([text, text, `"${text}"`]);
  });
});
