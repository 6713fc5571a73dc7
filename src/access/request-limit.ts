import type { Clock } from '../time/clock.js';

const WINDOW_MS = 60_000;
/** Some 2 MB at most. Past it the oldest is forgotten, so that a flood of addresses fills no memory. */
const MOST_KEYS = 10_000;

/** A request that came past the limit. */
export interface Excess {
  /** Until the window ends; whole seconds, at least 1. */
  readonly retryAfterSeconds: number;
  /** Whether it is the first one past the limit in this window: the one that is worth a line of the log. */
  readonly isFirst: boolean;
}

interface Window {
  count: number;
  readonly endsAtMs: number;
}

/**
 * So many a minute for each key, in this process. A key's window begins with its first request, and a
 * request past the limit does not make it longer. No timer, and no promise: who asks has counted and knows
 * at once (docs/adr/0007).
 */
export class RequestLimit {
  /** All windows are equally long, so the order in which they were opened is that in which they end. */
  private readonly windows = new Map<string, Window>();

  constructor(
    private readonly perMinute: number,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly mostKeys = MOST_KEYS,
  ) {}

  /**
   * Counts one.
   * @param perMinute where the limit is the key's own
   * @returns what is past the limit; undefined within it
   */
  take(key: string, perMinute = this.perMinute): Excess | undefined {
    const nowMs = this.clock.monotonicMs();
    const known = this.windows.get(key);
    const window = known !== undefined && known.endsAtMs > nowMs ? known : this.open(key, nowMs);
    window.count += 1;
    if (window.count <= perMinute) {
      return undefined;
    }
    return {
      retryAfterSeconds: secondsUntil(window, nowMs),
      isFirst: window.count === perMinute + 1,
    };
  }

  /** Counts none. @returns how long the key has to wait once the next one would be past the limit */
  reached(key: string): Pick<Excess, 'retryAfterSeconds'> | undefined {
    const nowMs = this.clock.monotonicMs();
    const window = this.windows.get(key);
    return window === undefined || window.endsAtMs <= nowMs || window.count < this.perMinute
      ? undefined
      : { retryAfterSeconds: secondsUntil(window, nowMs) };
  }

  private open(key: string, nowMs: number): Window {
    // Taken out first, so that it stands at the end of the order.
    this.windows.delete(key);
    this.forget(nowMs);
    const window = { count: 0, endsAtMs: nowMs + WINDOW_MS };
    this.windows.set(key, window);
    return window;
  }

  private forget(nowMs: number): void {
    for (const [key, { endsAtMs }] of this.windows) {
      if (endsAtMs > nowMs && this.windows.size < this.mostKeys) {
        return;
      }
      this.windows.delete(key);
    }
  }
}

function secondsUntil({ endsAtMs }: Window, nowMs: number): number {
  return Math.ceil((endsAtMs - nowMs) / 1_000);
}
