import { describe, expect, it } from '@jest/globals';
import { safeErrmsg, secretsOf } from './errmsg.js';

describe('safeErrmsg', () => {
  it('keeps what WeChat says', () => {
    expect(safeErrmsg('invalid appid rid: 6aac005a-01bfdbee-79769285', [])).toBe(
      'invalid appid rid: 6aac005a-01bfdbee-79769285',
    );
  });

  it('takes echoed secrets out, as they are and as they stand in a URL', () => {
    const secrets = secretsOf(
      { appid: 'wx1', secret: 'sec/ret', access_token: 'tok=en' },
      { appsecret: 'other', grant_type: 'client_credential', force_refresh: false },
    );
    expect(
      safeErrmsg('sec/ret sec%2Fret tok=en tok%3Den other wx1 client_credential', secrets),
    ).toBe('[redacted] [redacted] [redacted] [redacted] [redacted] wx1 client_credential');
  });

  it('takes the longer of two secrets out whole', () => {
    expect(safeErrmsg('tokenized', ['token', 'tokenized'])).toBe('[redacted]');
  });

  it('ignores secrets that are empty', () => {
    expect(safeErrmsg('as it was', secretsOf({ secret: '' }, undefined))).toBe('as it was');
  });

  it('is one line without control characters', () => {
    expect(safeErrmsg('one\r\n\ttwo\u0000\u001b[31m', [])).toBe('one two [31m');
  });

  it('shows what turns text round or is not seen as its code', () => {
    expect(safeErrmsg('ok\u202elive\u2066 a\u200bb one\u2028two', [])).toBe(
      'ok\\u202elive\\u2066 a\\u200bb one two',
    );
  });

  it('is 300 characters at most, with no half of a secret at the end', () => {
    const cut = safeErrmsg(`${'x'.repeat(295)}the-app-secret`, ['the-app-secret']);
    expect(cut).toBe(`${'x'.repeat(295)}[red…`);
    expect(cut).toHaveLength(300);
  });
});
