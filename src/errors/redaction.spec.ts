import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSecretName, scrubText } from './redaction.js';

describe('a name', () => {
  it.each([
    'access_token',
    'accessToken',
    'secret',
    'appsecret',
    'app_secret',
    'appSecret',
    'authorization',
    'x-api-key',
    'X-API-Key',
    'ADMIN_API_KEY',
    'encryption_previous_keys',
    'jsapi_ticket',
    'password',
    'cookie',
  ])('%s is a secret’s', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each(['key_id', 'token_version', 'ticket_kind', 'monkey', 'app_id', 'errcode', 'credential'])(
    '%s is not',
    (name) => {
      expect(isSecretName(name)).toBe(false);
    },
  );
});

describe('a text', () => {
  it.each([
    [
      'https://api/token?appid=wx1&secret=abc&x=1 failed',
      'https://api/token?appid=wx1&secret=[redacted]&x=1 failed',
    ],
    ['{"access_token": "abc", "errcode":0}', '{"access_token": "[redacted]", "errcode":0}'],
    [
      'no client has wtc_0123456789ABCDEFGHIJKLMNOPQRSTUVWX424C3d, nor wtc_test_1',
      'no client has wtc_[redacted], nor wtc_test_1',
    ],
    ["{'ticket':'abc'}", "{'ticket':'[redacted]'}"],
    ['sent Authorization: Bearer abcdef0123456789', 'sent Authorization: Bearer [redacted]'],
    ['postgres://user:pa@host/db', 'postgres://[redacted]@host/db'],
    ['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED 127.0.0.1:5432'],
    ['a bearer of news', 'a bearer of news'],
  ])('%s', (given, cleaned) => {
    expect(scrubText(given)).toBe(cleaned);
  });

  it('loses the value of a secret’s pair wherever it stands', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9_-]{8,40}$/);
    fc.assert(
      fc.property(fc.string(), value, fc.string(), (before, secret, after) => {
        fc.pre(!before.includes(secret) && !after.includes(secret));
        expect(scrubText(`${before} access_token=${secret} ${after}`)).not.toContain(secret);
      }),
    );
  });

  it('is cleaned in a time that grows with its length, not with its square', () => {
    const long = 'x'.repeat(200_000);
    // The time of this process alone: a busy machine has no part in it.
    const before = process.cpuUsage();
    scrubText(long);
    scrubText(`"${long}`);
    scrubText(`${long}://${long}`);
    expect(process.cpuUsage(before).user).toBeLessThan(10_000_000);
  });
});
