import { Injectable } from '@nestjs/common';

/**
 * The process's time, and the one seam through which a test moves it.
 *
 * `offsetMs` is 0 in production. Every statement adds it to the database's clock, so that a test that
 * moves it ages leases, deadlines and values alike, without sleeping.
 */
@Injectable()
export class Clock {
  private offset = 0;

  get offsetMs(): number {
    return this.offset;
  }

  /** Moves time forward. Tests only: nothing in the service calls it. */
  advance(ms: number): void {
    this.offset += ms;
  }

  /** Milliseconds since 1970 by this machine's wall clock, which an operator or NTP may set. */
  wallMs(): number {
    return Date.now() + this.offset;
  }

  /** Milliseconds that only grow while the machine runs; they stand still while it is suspended. */
  monotonicMs(): number {
    return performance.now() + this.offset;
  }
}
