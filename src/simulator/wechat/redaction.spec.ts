import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { redactedHeaders, redactedQuery } from './redaction.js';

const SECRET = '0123456789abcdef0123456789abcdef';
const TOKEN = `97_${'x'.repeat(133)}`;

function tag(credential: string): string {
  return `[${createHash('sha256').update(credential).digest('hex').slice(0, 12)}]`;
}

describe('a query', () => {
  it.each([
    ['', ''],
    ['a=1&&b=&c&a=%2F+%zz', 'a=1&&b=&c&a=%2F+%zz'],
    [`access_token=${TOKEN}`, `access_token=${tag(TOKEN)}`],
    [`x=1&access%5Ftoken=${TOKEN}&y`, `x=1&access%5Ftoken=${tag(TOKEN)}&y`],
    ['access_token=&access_token', 'access_token=&access_token'],
    ['access_token=nonsense', `access_token=${tag('nonsense')}`],
    ['secret=a%20b&appid=wx', `secret=${tag('a b')}&appid=wx`],
    [`appid=${SECRET}`, `appid=${tag(SECRET)}`],
    [`a=${SECRET}${SECRET}`, `a=${tag(SECRET)}${tag(SECRET)}`],
    [`ticket=${TOKEN}`, `ticket=${tag(TOKEN)}`],
  ])('%s becomes %s', (query, redacted) => {
    expect(redactedQuery(query, [SECRET])).toBe(redacted);
  });
});

describe('headers', () => {
  it('stay as they came, save for credentials', () => {
    const headers = {
      host: 'api.weixin.qq.com',
      authorization: 'Bearer key',
      cookie: 'a=b',
      'x-api-key': 'key',
      referer: `https://api.weixin.qq.com/?secret=${SECRET}&access_token=${TOKEN}`,
      'set-cookie': ['a=b', 'c=d'],
      absent: undefined,
    };

    expect(redactedHeaders(headers, [SECRET])).toEqual({
      host: 'api.weixin.qq.com',
      authorization: tag('Bearer key'),
      cookie: tag('a=b'),
      'x-api-key': tag('key'),
      referer: `https://api.weixin.qq.com/?secret=${tag(SECRET)}&access_token=${tag(TOKEN)}`,
      'set-cookie': 'a=b, c=d',
      absent: '',
    });
  });
});
