import { describe, expect, it } from '@jest/globals';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import { tokenAnswer, tokenText } from './token-answer.js';

const snapshot: CredentialSnapshot = {
  appId: 'wx0123456789abcdef',
  kind: 'access_token',
  version: 17,
  value: '84_quoted "and" escaped \\',
  expiresAtMs: 1_795_359_845_000,
  expiresAt: '2026-11-22T15:04:05.000Z',
  cacheSeconds: 60,
  trustedMs: Infinity,
  etag: '"e"',
};

describe('the text of a token answer', () => {
  it('is the answer as JSON, with the seconds of the moment', () => {
    const life = { expires_at: snapshot.expiresAt, version: 17 };
    const early = { ...life, expires_in: 6_543, cache_for: 60 };
    const late = { ...life, expires_in: 5, cache_for: 5 };

    expect(JSON.parse(tokenText(snapshot, early))).toEqual({
      app_id: 'wx0123456789abcdef',
      access_token: '84_quoted "and" escaped \\',
      expires_in: 6_543,
      expires_at: '2026-11-22T15:04:05.000Z',
      version: 17,
      cache_for: 60,
    });
    expect(JSON.parse(tokenText(snapshot, early))).toEqual(tokenAnswer(snapshot, early));
    expect(JSON.parse(tokenText(snapshot, late))).toEqual(tokenAnswer(snapshot, late));
  });
});
