import { expect, it } from '@jest/globals';
import { StatementReader } from './statement-reader.js';

const SENT = Buffer.concat([
  message('', '\0\x03\0\0user\0postgres\0\0'),
  message('Q', 'SELECT now()\0'),
  message('P', '\0SELECT $1\0\0\0'),
  message('B', '\0\0\0\0\0\0\0\0'),
  message('D', 'P\0'),
  message('E', '\0\0\0\0\0'),
  message('S', ''),
  message('X', ''),
]);

it('counts what is executed, in whatever pieces it comes', () => {
  for (let size = 1; size <= SENT.length; size += 1) {
    const statements: string[] = [];
    const reader = new StatementReader((text) => statements.push(text));
    for (let start = 0; start < SENT.length; start += size) {
      reader.read(SENT.subarray(start, start + size));
    }

    expect(statements).toEqual(['SELECT now()', 'SELECT $1']);
  }
});

function message(letter: string, content: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(4 + Buffer.byteLength(content));
  return Buffer.concat([Buffer.from(letter), length, Buffer.from(content)]);
}
