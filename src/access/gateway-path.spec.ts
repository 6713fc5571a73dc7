import { describe, expect, it } from '@jest/globals';
import { pathProblem } from './gateway-path.js';

describe('a path that is called', () => {
  it.each([
    '/',
    '/cgi-bin/draft/add',
    '/cgi-bin/draft/add/',
    '/a/...',
    '/a/.hidden',
    '/a/b..c',
    '/%E4%BD%A0%e5%a5%bd',
    '/~a!b$c&d(e)f+g,h=i:j@k',
    `/${'x'.repeat(1_023)}`,
  ])('%s is plain', (path) => {
    expect(pathProblem(path)).toBeUndefined();
  });

  const DOTS = 'has a segment "." or ".."; write the path that is meant';
  const SLASHES = 'has two slashes in a row; write one';
  const ENCODED = (text: string): string =>
    `encodes an ASCII character (${text}); write it as it is`;
  const MALFORMED = 'has a % without two hexadecimal digits behind it';
  const BYTES = 'encodes bytes that are not UTF-8, or control characters';
  const CHARACTER = (code: string): string => `must not contain the character U+${code}`;

  it.each([
    ['', 'must begin with /'],
    ['cgi-bin/draft/add', 'must begin with /'],
    ['https://api.weixin.qq.com/cgi-bin/draft/add', 'must begin with /'],
    ['*', 'must begin with /'],
    ['//api.weixin.qq.com/cgi-bin', SLASHES],
    ['/cgi-bin//draft', SLASHES],
    ['/cgi-bin/draft//', SLASHES],
    ['/.', DOTS],
    ['/..', DOTS],
    ['/a/./b', DOTS],
    ['/a/../b', DOTS],
    ['/a/b/..', DOTS],
    ['/a/../', DOTS],
    ['/%2e%2e/a', ENCODED('%2e')],
    ['/%2E', ENCODED('%2E')],
    ['/a%2fb', ENCODED('%2f')],
    ['/a%5cb', ENCODED('%5c')],
    ['/a%00', ENCODED('%00')],
    ['/a%0d%0aHost:x', ENCODED('%0d')],
    ['/cgi-bin/%74oken', ENCODED('%74')],
    ['/a%252e', ENCODED('%25')],
    ['/a%7f', ENCODED('%7f')],
    ['/a%3f', ENCODED('%3f')],
    ['/%', MALFORMED],
    ['/%e', MALFORMED],
    ['/%zz', MALFORMED],
    ['/%u002e', MALFORMED],
    ['/%8', MALFORMED],
    ['/%c0%ae%c0%ae', BYTES],
    ['/%c0%af', BYTES],
    ['/%ff', BYTES],
    ['/%e4', BYTES],
    ['/%ed%a0%80', BYTES],
    ['/%c2%85', BYTES],
    ['/a\\b', CHARACTER('005C')],
    ['/a;jsessionid=1', CHARACTER('003B')],
    ['/a b', CHARACTER('0020')],
    ['/a\tb', CHARACTER('0009')],
    ['/a\r\n', CHARACTER('000D')],
    ['/a\u0000', CHARACTER('0000')],
    ['/a\u007f', CHARACTER('007F')],
    ['/*', CHARACTER('002A')],
    ['/a|b', CHARACTER('007C')],
    ['/"<>', CHARACTER('0022')],
    ['/你', CHARACTER('4F60')],
    ['/\ud83d\udca5', CHARACTER('1F4A5')],
    ['/\ud83d', CHARACTER('D83D')],
    ['/\uff0e\uff0e/', CHARACTER('FF0E')],
    ['/a?b', 'must not contain ?; leave the query and the fragment out'],
    ['/a#b', 'must not contain #; leave the query and the fragment out'],
    [`/${'x'.repeat(1_024)}`, 'is longer than 1024 characters'],
  ])('%j is refused, and the reason says what to do', (path, problem) => {
    expect(pathProblem(path)).toBe(problem);
  });
});
