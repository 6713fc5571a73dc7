import type { QuotaLimits } from '../control/settings.dto.js';
import type { SimulatedClock } from '../simulated-clock.js';

const PERIOD_MS = { perDay: 86_400_000, perMinute: 60_000 };

export type QuotaPeriod = keyof typeof PERIOD_MS;

interface Count {
  endsAtMs: number;
  used: number;
}

/**
 * One account's calls, counted by path in periods of 24 hours and of 60 seconds. A period starts with
 * its first call, not at midnight: the hour at which WeChat resets is not known, and a test that runs
 * across it would fail for no reason.
 */
export class QuotaMeter {
  private readonly counts = new Map<string, Record<QuotaPeriod, Count>>();

  constructor(private readonly clock: SimulatedClock) {}

  /** Counts one call, or tells which limit it would pass; a refused call does not count. */
  spend(path: string, limits: QuotaLimits): QuotaPeriod | undefined {
    const counts = this.countsOf(path);
    const exhausted = (['perDay', 'perMinute'] as const).find((period) => {
      const limit = limits[period];
      return limit !== null && counts[period].used >= limit;
    });
    if (exhausted === undefined) {
      counts.perDay.used += 1;
      counts.perMinute.used += 1;
    }
    return exhausted;
  }

  used(): Record<string, { per_day: number; per_minute: number }> {
    return Object.fromEntries(
      [...this.counts.keys()].map((path) => {
        const counts = this.countsOf(path);
        return [path, { per_day: counts.perDay.used, per_minute: counts.perMinute.used }];
      }),
    );
  }

  private countsOf(path: string): Record<QuotaPeriod, Count> {
    const nowMs = this.clock.nowMs();
    const known = this.counts.get(path);
    const counts = {
      perDay: underWay(known?.perDay, nowMs, PERIOD_MS.perDay),
      perMinute: underWay(known?.perMinute, nowMs, PERIOD_MS.perMinute),
    };
    this.counts.set(path, counts);
    return counts;
  }
}

function underWay(count: Count | undefined, nowMs: number, periodMs: number): Count {
  const isOver = count === undefined || nowMs >= count.endsAtMs;
  // A period without a call has not started: its end moves along until the first one counts.
  return isOver || count.used === 0 ? { endsAtMs: nowMs + periodMs, used: 0 } : count;
}
