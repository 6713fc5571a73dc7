import { expect, it } from '@jest/globals';
import { ACCESS_TOKEN_POLICIES } from '../access-token/access-token.policy.js';
import { isServable, lifetimeMsOf, usableLifetimeMs, nextDueAtMs } from './credential.policy.js';

const { stable } = ACCESS_TOKEN_POLICIES;
const NOW = 1_795_000_000_000;
it('a policy may count from the last fetch, also where that returned the same value', () => {
  const policy = {
    ...stable,
    dueAtMs: ({ fetchedAtMs }: { fetchedAtMs: number }) => fetchedAtMs + 60_000,
  };
  const value = {
    appId: 'wx0123456789abcdef',
    version: 1,
    obtainedAtMs: NOW - 3_000_000,
    expiresAtMs: NOW + 4_200_000,
    lifetimeMs: 7_200_000,
  };
  expect(nextDueAtMs(policy, value, NOW)).toBe(NOW + 60_000);
});

it('a value with under 1 s left counts as expired', () => {
  expect(isServable(NOW + 1_000, NOW)).toBe(true);
  expect(isServable(NOW + 999, NOW)).toBe(false);
});

it.each([
  [7_200, 7_200_000],
  [1, 1_000],
  [86_400, 86_400_000],
  [86_401, undefined],
  [0, undefined],
  [-7_200, undefined],
  [7_200.5, undefined],
  ['7200', 7_200_000],
  ['0', undefined],
  ['86401', undefined],
  ['7200s', undefined],
  ['0x10', undefined],
  ['', undefined],
  [['7200'], undefined],
  [null, undefined],
  [undefined, undefined],
])('expires_in %p means %p ms', (expiresIn, lifetimeMs) => {
  expect(lifetimeMsOf(expiresIn)).toBe(lifetimeMs);
});

it.each([
  ['84_abcDEF-0123', 7_200_000],
  ['', undefined],
  ['84_abc\ndef', undefined],
  ['84_abc def', undefined],
  ['84_abc\u2028def', undefined],
  ['84_abc\u0000', undefined],
  ['x'.repeat(8_192), 7_200_000],
  ['x'.repeat(8_193), undefined],
])('a value %j lives for %p ms', (value, lifetimeMs) => {
  expect(usableLifetimeMs({ value, expiresIn: 7_200 })).toBe(lifetimeMs);
});
