import type { SimulatedClock } from '../simulated-clock.js';

const DAY_MS = 86_400_000;

/**
 * One account's forced refreshes of the stable token: so many in the 24 hours that start with the first
 * one, and so far apart. Only those that took effect count.
 */
export class ForceLimit {
  private dayEndsAtMs = 0;
  private usedInDay = 0;
  private lastAtMs = -Infinity;

  constructor(private readonly clock: SimulatedClock) {}

  /** Takes one, or says that this call may not force. */
  spend(perDay: number, intervalMs: number): boolean {
    const nowMs = this.clock.nowMs();
    if (nowMs - this.lastAtMs < intervalMs || this.used >= perDay) {
      return false;
    }
    if (this.used === 0) {
      this.dayEndsAtMs = nowMs + DAY_MS;
      this.usedInDay = 0;
    }
    this.usedInDay += 1;
    this.lastAtMs = nowMs;
    return true;
  }

  get used(): number {
    return this.clock.nowMs() < this.dayEndsAtMs ? this.usedInDay : 0;
  }
}
