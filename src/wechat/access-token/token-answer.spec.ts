import { describe, expect, it } from '@jest/globals';
import { makeSnapshot } from '../credentials/credential-snapshot.js';
import { ACCESS_TOKEN_POLICIES } from './access-token.policy.js';
import { tokenAnswer, tokenText } from './token-answer.js';

const snapshot = makeSnapshot({
  appId: 'wx0123456789abcdef',
  kind: 'access_token',
  policy: ACCESS_TOKEN_POLICIES.stable,
  rowId: 'row',
  live: { version: 17, value: '84_quoted "and" escaped \\', lifetimeMs: 7_200_000 },
  expiresAtMs: Date.parse('2026-11-22T15:04:05.000Z'),
  trustedMs: Infinity,
});

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
