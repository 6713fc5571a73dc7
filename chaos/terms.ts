/**
 * How time is scaled, so that a run holds many lives of a token.
 *
 * The service shrinks every duration that stands against the lifetime by `scale` = lifetime / 1,200 s, and
 * so does this page for the simulator and the checker. What does not shrink: the poll and the schedule
 * (1 s, ± 20 %), and what follows from WECHAT_TIMEOUT_MS. Hence the shortest life is the one for which
 * the design's sum still holds:
 *
 *   lease + poll 2 s + call + commit 3 s + poll 2 s + 60 s × scale ≤ 240 s × scale
 *
 * With a time-out of 600 ms the lease is 5.4 s and the call 1.2 s, so scale ≥ 0.0756: 96 s. A shorter
 * time-out would allow shorter lives, but on a busy machine it would fail by itself; and the floor (5 s ×
 * scale = 400 ms) must be shorter than one attempt, or a claim without a lease would never be seen.
 * In stable mode nothing depends on who fetches when, so 48 s will do.
 */
export type Mode = 'legacy' | 'stable';
export type DatabaseKind = 'sqlite' | 'postgres' | 'mysql';

export interface Terms {
  readonly mode: Mode;
  readonly database: DatabaseKind;
  readonly replicas: number;
  readonly scale: number;
  /** WECHAT_TIMEOUT_MS. */
  readonly timeoutMs: number;
  readonly callMs: number;
  readonly leaseMs: number;
  readonly lifetimeMs: number;
  /** For how long a superseded token lives on at WeChat; only the last one does. */
  readonly overlapMs: number;
  /** Before its end in which WeChat renews a stable token. */
  readonly windowMs: number;
  /** For how long a token may be served unasked after a fetch whose outcome nobody knows. */
  readonly servedInDoubtMs: number;
  /** No two claims come closer. */
  readonly floorMs: number;
  /** No fetch is repeated so soon after one whose request may still be on its way. */
  readonly quietMs: number;
  /** For how long a token may be refused before handing it out counts. */
  readonly deadGraceMs: number;
  /** The ledger holds so many fetches, and gets one back in each interval. */
  readonly ledger: { readonly capacity: number; readonly intervalMs: number };
  /** By then after the last fault every replica serves WeChat's newest token. */
  readonly settleMs: number;
  /** Reads that may get a dead token, of all reads. */
  readonly deadReadsAllowed: number;
}

const TIMEOUT_MS = 600;
const LIFETIME_MS: Readonly<Record<Mode, number>> = { legacy: 96_000, stable: 48_000 };
const FULL_FLOOR_MS: Readonly<Record<Mode, number>> = { legacy: 5_000, stable: 2_000 };
const LEDGER: Readonly<Record<Mode, { capacity: number; perDay: number }>> = {
  legacy: { capacity: 60, perDay: 200 },
  stable: { capacity: 600, perDay: 2_000 },
};
/** Not shrunk: it is made of the poll, of probes and of how long an acceptance lasts, which do not shrink. */
const DEAD_GRACE_MS = 5_000;
const REFERENCE_LIFETIME_MS = 1_200_000;
const DAY_MS = 86_400_000;
const POLL_MS = 2_000;
const QUICK_COMMIT_MS = 3_000;

export function termsFor(run: { mode: Mode; database: DatabaseKind; replicas: number }): Terms {
  const lifetimeMs = LIFETIME_MS[run.mode];
  const scale = lifetimeMs / REFERENCE_LIFETIME_MS;
  const callMs = 2 * TIMEOUT_MS;
  const ledger = LEDGER[run.mode];
  const terms: Terms = {
    ...run,
    scale,
    timeoutMs: TIMEOUT_MS,
    callMs,
    leaseMs: 4.5 * callMs,
    lifetimeMs,
    overlapMs: 300_000 * scale,
    windowMs: 300_000 * scale,
    servedInDoubtMs: 270_000 * scale,
    floorMs: Math.ceil(FULL_FLOOR_MS[run.mode] * scale),
    quietMs: 20_000 * scale,
    deadGraceMs: DEAD_GRACE_MS,
    ledger: { capacity: ledger.capacity, intervalMs: (DAY_MS / ledger.perDay) * scale },
    settleMs: 60_000,
    deadReadsAllowed: run.mode === 'legacy' ? 0.001 : 0,
  };
  assertHandover(terms);
  return terms;
}

/** Only a fetch that ends the older value has to be followed in time by everybody. */
function assertHandover({ mode, leaseMs, callMs, scale }: Terms): void {
  const neededMs = leaseMs + POLL_MS + callMs + QUICK_COMMIT_MS + POLL_MS + 60_000 * scale;
  if (mode === 'legacy' && neededMs > 240_000 * scale) {
    throw new RangeError(`a life is too short for the bounds: ${neededMs} ms are needed`);
  }
}

/** The same, for whoever reads the output. */
export function describeTerms(terms: Terms): string {
  const s = (ms: number): string => `${Number((ms / 1_000).toFixed(2))} s`;
  return [
    `a ${terms.mode} token lives ${s(terms.lifetimeMs)} (scale ${terms.scale})`,
    `overlap ${s(terms.overlapMs)}, served in doubt ${s(terms.servedInDoubtMs)}`,
    `lease ${s(terms.leaseMs)}, call ${s(terms.callMs)}, floor ${s(terms.floorMs)}`,
    `dead counts after ${s(terms.deadGraceMs)}`,
  ].join('; ');
}
