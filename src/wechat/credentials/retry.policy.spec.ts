import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ACCESS_TOKEN_POLICIES } from '../access-token/access-token.policy.js';
import { retryDelayMs, type FailedAttempt } from './retry.policy.js';

const { stable, legacy } = ACCESS_TOKEN_POLICIES;

/** A first failure with an hour left to live and the longest jitter. */
const FIRST: FailedAttempt = {
  failureClass: 'transient',
  streak: 1,
  unknownOutcomes: 1,
  retryAfterMs: undefined,
  servableMs: 3_600_000,
  lifetimeMs: 7_200_000,
  jitter: 1,
};

function delays(
  policy: typeof stable,
  change: Partial<FailedAttempt>,
  streaks: number[],
): number[] {
  return streaks.map((streak) =>
    retryDelayMs(policy, { ...FIRST, ...change, streak, unknownOutcomes: streak }),
  );
}

describe('when the next attempt is made', () => {
  it('transient: full jitter from 2 s, doubling to 60 s', () => {
    expect(delays(stable, {}, [1, 2, 3, 4, 5, 6, 7, 100])).toEqual([
      2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
    expect(delays(stable, { jitter: 0.5 }, [4])).toEqual([8_000]);
  });

  it('transient: to 10 s when under 600 s are left', () => {
    const urgent = { servableMs: 599_000 };
    expect(delays(stable, urgent, [1, 2, 3, 4, 5])).toEqual([2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it('transient: never under the floor, 5 s legacy and 2 s stable', () => {
    expect(delays(legacy, { jitter: 0 }, [1])).toEqual([5_000]);
    expect(delays(stable, { jitter: 0 }, [1])).toEqual([2_000]);
  });

  it('transient and unknown: never longer than a third of what is left to live', () => {
    expect(delays(stable, { servableMs: 12_000 }, [6])).toEqual([4_000]);
    const unknown = { failureClass: 'unknown_outcome', servableMs: 30_000 } as const;
    expect(delays(legacy, unknown, [1])).toEqual([10_000]);
  });

  it('transient: nothing left to live does not mean without a pause', () => {
    expect(delays(stable, { servableMs: 0 }, [6])).toEqual([10_000]);
  });

  it('unknown outcome, legacy: 20 s of quiet, doubling to 300 s with each further one', () => {
    const unknown = { failureClass: 'unknown_outcome' } as const;
    expect(delays(legacy, unknown, [1, 2, 3, 4, 5, 6])).toEqual([
      20_000, 40_000, 80_000, 160_000, 300_000, 300_000,
    ]);
  });

  it('unknown outcome, legacy: the quiet time has no jitter', () => {
    expect(delays(legacy, { failureClass: 'unknown_outcome', jitter: 0 }, [1])).toEqual([20_000]);
  });

  it('unknown outcome, stable: like transient, since a repeat returns the same token', () => {
    const unknown = { failureClass: 'unknown_outcome' } as const;
    expect(delays(stable, unknown, [1, 2, 6])).toEqual([2_000, 4_000, 60_000]);
  });

  it('throttled: 60 s for 45011, an hour for 45009', () => {
    const throttled = { failureClass: 'throttled' } as const;
    expect(delays(stable, { ...throttled, retryAfterMs: 60_000 }, [1])).toEqual([60_000]);
    expect(delays(stable, { ...throttled, retryAfterMs: 3_600_000 }, [1])).toEqual([3_600_000]);
    expect(delays(stable, throttled, [1])).toEqual([60_000]);
  });

  it('operator: 5 minutes, doubling to 30', () => {
    const operator = { failureClass: 'operator' } as const;
    expect(delays(stable, operator, [1, 2, 3, 4, 9])).toEqual([
      300_000, 600_000, 1_200_000, 1_800_000, 1_800_000,
    ]);
  });

  it('operator: an hour for 89507 and a day for 89506, as the errcode table asks', () => {
    const operator = { failureClass: 'operator' } as const;
    expect(delays(stable, { ...operator, retryAfterMs: 3_600_000 }, [1])).toEqual([3_600_000]);
    expect(delays(stable, { ...operator, retryAfterMs: 86_400_000 }, [1])).toEqual([86_400_000]);
  });

  it('is never under the floor and never over a day', () => {
    const attempts = fc.record<FailedAttempt>({
      failureClass: fc.constantFrom(
        'transient',
        'unknown_outcome',
        'throttled',
        'operator',
        'dead_credential',
      ),
      streak: fc.integer({ min: 1, max: 10_000 }),
      unknownOutcomes: fc.integer({ min: 1, max: 10_000 }),
      retryAfterMs: fc.constantFrom(undefined, 60_000, 86_400_000),
      servableMs: fc.integer({ min: -7_200_000, max: 7_200_000 }),
      lifetimeMs: fc.integer({ min: 1_000, max: 86_400_000 }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.constantFrom(stable, legacy), attempts, (policy, attempt) => {
        const delayMs = retryDelayMs(policy, { ...attempt, lifetimeMs: 7_200_000 });
        return delayMs >= policy.floorMs && delayMs <= 86_400_000;
      }),
    );
  });
});
