import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  clientCacheSeconds,
  floorMs,
  jitterOf,
  nextDueAtMs,
  overlapServedMs,
  scaleOf,
} from '../credentials/credential.policy.js';
import { ACCESS_TOKEN_POLICIES } from './access-token.policy.js';

const { stable, legacy } = ACCESS_TOKEN_POLICIES;
const FETCHED_AT = 1_795_000_000_000;

function life(lifetimeSeconds: number): {
  obtainedAtMs: number;
  fetchedAtMs: number;
  expiresAtMs: number;
  lifetimeMs: number;
} {
  return {
    obtainedAtMs: FETCHED_AT,
    fetchedAtMs: FETCHED_AT,
    expiresAtMs: FETCHED_AT + lifetimeSeconds * 1_000,
    lifetimeMs: lifetimeSeconds * 1_000,
  };
}

function dueAfterSeconds(policy: typeof stable, lifetimeSeconds: number, jitter: number): number {
  const scale = scaleOf(policy, lifetimeSeconds * 1_000);
  return (policy.dueAtMs(life(lifetimeSeconds), jitter, scale) - FETCHED_AT) / 1_000;
}

describe('when an access_token is due', () => {
  it('stable: with 300 s left, 5 to 20 s later by jitter', () => {
    expect(dueAfterSeconds(stable, 7_200, 0)).toBe(6_905);
    expect(dueAfterSeconds(stable, 7_200, 0.999_999)).toBeCloseTo(6_920, 3);
  });

  it('legacy: with 2,400 of 7,200 s left, up to 5 % earlier by jitter', () => {
    expect(dueAfterSeconds(legacy, 7_200, 0)).toBe(4_800);
    expect(dueAfterSeconds(legacy, 7_200, 0.999_999)).toBeCloseTo(4_560, 3);
  });

  it('legacy: 18 calls a day at most 19, of 2,000', () => {
    expect(86_400 / dueAfterSeconds(legacy, 7_200, 0)).toBe(18);
    expect(86_400 / dueAfterSeconds(legacy, 7_200, 0.999_999)).toBeLessThan(19);
  });

  it('a stable token of 240 s shrinks every margin to a fifth: due with 60 s left', () => {
    expect(dueAfterSeconds(stable, 240, 0)).toBeCloseTo(240 - 60 + 1, 6);
  });

  it('a stable token of 300 s and more keeps the margins: WeChat gives no new one before', () => {
    expect(dueAfterSeconds(stable, 600, 0)).toBe(305);
  });

  it('the same value again: not before 15 s from now', () => {
    const value = { ...life(7_200), appId: 'wx0123456789abcdef', version: 1 };
    const nearTheEnd = value.expiresAtMs - 200_000;
    expect(nextDueAtMs(stable, value, nearTheEnd)).toBe(nearTheEnd + 15_000);
  });

  it('jitter is the same on every replica, and another for each version', () => {
    expect(jitterOf('wx0123456789abcdef', 7)).toBe(jitterOf('wx0123456789abcdef', 7));
    expect(jitterOf('wx0123456789abcdef', 7)).not.toBe(jitterOf('wx0123456789abcdef', 8));
  });

  it('is always within the life of the value, whatever WeChat says it is', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(stable, legacy),
        fc.integer({ min: 10, max: 86_400 }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (policy, lifetimeSeconds, jitter) => {
          const dueAfter = dueAfterSeconds(policy, lifetimeSeconds, jitter);
          return dueAfter > 0 && dueAfter < lifetimeSeconds;
        },
      ),
    );
  });
});

describe('durations that stand against the lifetime', () => {
  it('are whole from 1,200 s (legacy) and 300 s (stable) on', () => {
    expect(scaleOf(legacy, 7_200_000)).toBe(1);
    expect(scaleOf(legacy, 1_200_000)).toBe(1);
    expect(scaleOf(stable, 300_000)).toBe(1);
    expect(scaleOf(legacy, 0)).toBe(1);
  });

  it('shrink by lifetime / 1,200 below', () => {
    expect(scaleOf(legacy, 600_000)).toBe(0.5);
    expect(scaleOf(legacy, 12_000)).toBe(0.01);
    expect(scaleOf(stable, 240_000)).toBe(0.2);
    expect(scaleOf(stable, 299_000)).toBeCloseTo(0.249_167, 6);
  });

  it('floor: 5 s legacy, 2 s stable, shrunk with the rest', () => {
    expect(floorMs(legacy, 7_200_000)).toBe(5_000);
    expect(floorMs(stable, 7_200_000)).toBe(2_000);
    expect(floorMs(legacy, 12_000)).toBe(50);
  });

  it('an older value is trusted for 270 of the 300 s that WeChat promises', () => {
    expect(overlapServedMs(legacy, 7_200_000)).toBe(270_000);
    expect(overlapServedMs(legacy, 120_000)).toBe(27_000);
  });

  it('a client caches for 60 s, or less', () => {
    expect(clientCacheSeconds(legacy, 7_200_000)).toBe(60);
    expect(clientCacheSeconds(legacy, 120_000)).toBe(6);
    expect(clientCacheSeconds(legacy, 12_000)).toBe(0);
  });
});
