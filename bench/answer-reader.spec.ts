import { describe, expect, it } from '@jest/globals';
import { AnswerReader } from './answer-reader.js';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello';

describe('the end of an answer', () => {
  it('is found in one chunk, and again in the next', () => {
    const reader = new AnswerReader(200);

    expect(reader.read(Buffer.from(ANSWER))).toBeUndefined();
    expect(reader.isWhole).toBe(true);
    expect(reader.read(Buffer.from(ANSWER))).toBeUndefined();
    expect(reader.isWhole).toBe(true);
  });

  it('is found wherever the answer was cut', () => {
    for (let cut = 1; cut < ANSWER.length; cut += 1) {
      const reader = new AnswerReader(200);

      expect(reader.read(Buffer.from(ANSWER.slice(0, cut)))).toBeUndefined();
      expect(reader.isWhole).toBe(false);
      expect(reader.read(Buffer.from(ANSWER.slice(cut)))).toBeUndefined();
      expect(reader.isWhole).toBe(true);
    }
  });

  it('is the head of a 304', () => {
    const reader = new AnswerReader(304);

    expect(
      reader.read(Buffer.from('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')),
    ).toBeUndefined();
    expect(reader.isWhole).toBe(true);
  });
});

it.each([
  ['HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n', /answered 503/],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', /without Content-Length/],
  [`${ANSWER}HTTP/1.1 200 OK`, /more than one answer/],
])('refuses %j', (text, problem) => {
  expect(new AnswerReader(200).read(Buffer.from(text))).toMatch(problem);
});
