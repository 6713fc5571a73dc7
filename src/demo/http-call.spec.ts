import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { curlLine, type HttpRequest } from './http-call.js';

/** What a POSIX shell hands to curl when the line is pasted. */
function wordsOf(line: string): string[] {
  const shell = spawnSync('sh', ['-c', `curl() { printf '%s\\037' "$@"; }; ${line}`]);
  return shell.stdout.toString().split('\u001f').slice(0, -1);
}

describe('curlLine', () => {
  const url = 'http://127.0.0.1:3000/v1/x';

  it.each<[string, HttpRequest, string[]]>([
    ['a GET', { method: 'GET', url }, ['-sS', '-w', '\\n', url]],
    ['a POST without a body', { method: 'POST', url }, ['-sS', '-w', '\\n', '-X', 'POST', url]],
    [
      'a body, which is JSON',
      { method: 'POST', url, body: { errcode: 40001 } },
      ['-sS', '-w', '\\n', '-H', 'Content-Type: application/json', '-d', '{"errcode":40001}', url],
    ],
    [
      'headers of the answer that are asked for',
      { method: 'GET', url, headers: { 'If-None-Match': '"abc"' }, showHeaders: true },
      ['-sS', '-w', '\\n', '-i', '-H', 'If-None-Match: "abc"', url],
    ],
    [
      'a quotation mark, a dollar and an ampersand',
      { method: 'POST', url: `${url}?a=1&b=2`, body: { reason: "it's $HOME `id`" } },
      [
        ...['-sS', '-w', '\\n', '-H', 'Content-Type: application/json'],
        ...['-d', '{"reason":"it\'s $HOME `id`"}', `${url}?a=1&b=2`],
      ],
    ],
  ])('reaches curl as it is: %s', (_, request, words) => {
    expect(wordsOf(curlLine(request))).toEqual(words);
  });

  it('is one line', () => {
    expect(curlLine({ method: 'POST', url, body: { text: 'two\nlines' } })).not.toContain('\n');
  });
});
