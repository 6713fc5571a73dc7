import { Durations } from '../../observability/durations.js';
import type { RefreshCause } from './credential-kind.js';

/** `fenced`: won, and another claim came after it before its value was stored. */
export type ClaimResult = 'won' | 'lost' | 'fenced';

export interface AttemptCount {
  readonly cause: RefreshCause;
  readonly outcome: string;
  count: number;
}

/** What this process has done for one credential since it knows it; goes with the credential. */
export class RefreshCounters {
  readonly claims: Record<ClaimResult, number> = { won: 0, lost: 0, fenced: 0 };
  readonly durations = new Durations();
  private readonly counts = new Map<string, AttemptCount>();

  get attempts(): Iterable<AttemptCount> {
    return this.counts.values();
  }

  claimed(result: ClaimResult): void {
    this.claims[result] += 1;
  }

  /** An attempt ended. @param outcome one of the few words that an attempt can end with */
  attempted(cause: RefreshCause, outcome: string, durationMs: number): void {
    const key = `${cause} ${outcome}`;
    const entry = this.counts.get(key) ?? { cause, outcome, count: 0 };
    entry.count += 1;
    this.counts.set(key, entry);
    this.durations.observe(durationMs);
  }
}
