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
