import { describe, expect, it } from '@jest/globals';
import { readAnswer } from './wechat-answer.js';

const read = (text: string): ReturnType<typeof readAnswer> => readAnswer(Buffer.from(text));

describe('readAnswer', () => {
  it('takes an object without an errcode for a success', () => {
    expect(read('{"access_token":"84_x","expires_in":7200}')).toEqual({
      answer: { access_token: '84_x', expires_in: 7200 },
      errcode: 0,
      errmsg: '',
    });
  });

  it('reads errcode and errmsg, the errcode as a number or as text', () => {
    expect(read('{"errcode":40013,"errmsg":"invalid appid"}')).toMatchObject({
      errcode: 40013,
      errmsg: 'invalid appid',
    });
    expect(read('{"errcode":"-1","errmsg":5}')).toMatchObject({ errcode: -1, errmsg: '' });
  });

  it('reads UTF-8, and passes over a byte order mark and raw control characters', () => {
    expect(read('\uFEFF{\r\n "errcode": 0,\t"errmsg": "系\u0000统\n繁忙"}')?.errmsg).toBe(
      '系统繁忙',
    );
  });

  it('takes blanks, line breaks and what shows nothing from the ends of every string', () => {
    const text =
      '{"access_token":"84_x\\n","list":[" 10.0.0.1","10.0.0.2\\r\\n","\\ufeff10.0.0.3\\u200b\\u0000"],"deep":{"a":" b c "},"errcode":" 0 "}';
    expect(read(text)).toEqual({
      answer: {
        access_token: '84_x',
        list: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
        deep: { a: 'b c' },
        errcode: '0',
      },
      errcode: 0,
      errmsg: '',
    });
  });

  it('is quick with a long run of blanks', () => {
    const blanks = ' '.repeat(900_000);
    expect(read(`{"a":"x${blanks}y"}`)?.answer.a).toBe(`x${blanks}y`);
  });

  it.each([
    '',
    'null',
    '[]',
    '"text"',
    '5',
    '{"a":',
    '<html>',
    '{"errcode":"x"}',
    '{"errcode":1.5}',
    '{"errcode":null}',
  ])('finds no answer in %j', (text) => {
    expect(read(text)).toBeUndefined();
  });
});
