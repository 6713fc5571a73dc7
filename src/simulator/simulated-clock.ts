import { Injectable } from '@nestjs/common';

/**
 * WeChat's time, as this simulator lives it: the machine's clock plus an offset that only grows.
 *
 * Lifetimes, overlaps, windows, quotas and the journal follow it. What a connection does (a delay, a
 * hang) does not: that is real time, since a client's time-out is.
 */
@Injectable()
export class SimulatedClock {
  private offset = 0;

  get offsetMs(): number {
    return this.offset;
  }

  /** Milliseconds since 1970. */
  nowMs(): number {
    return Date.now() + this.offset;
  }

  advance(ms: number): void {
    this.offset += ms;
  }

  reset(): void {
    this.offset = 0;
  }
}
