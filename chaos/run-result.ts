import type { Evidence, Verdict } from './evidence.js';
import type { Guard } from './mutation.js';
import type { Options } from './options.js';
import { deadReads } from './read-invariants.js';
import type { DatabaseKind, Mode } from './terms.js';

/** What a run came to, for the tables of chaos/results. */
export interface RunResult {
  readonly database: DatabaseKind;
  readonly mode: Mode;
  readonly seed: number;
  readonly mutate: Guard | null;
  readonly faults: number;
  readonly reads: number;
  readonly deadReads: number;
  readonly tokens: number;
  /** Only those that were violated. */
  readonly violated: readonly { readonly invariant: string; readonly found: readonly string[] }[];
}

export function resultOf(
  { database, mode, seed, mutate }: Options,
  evidence: Evidence,
  verdicts: readonly Verdict[],
): RunResult {
  return {
    ...{ database, mode, seed },
    mutate: mutate ?? null,
    faults: evidence.faults.length,
    reads: evidence.reads.length,
    deadReads: deadReads(evidence).length,
    tokens: evidence.tokens.length,
    violated: verdicts
      .filter(({ violations }) => violations.length > 0)
      .map(({ invariant, violations }) => ({ invariant, found: violations })),
  };
}
