import { scaleOf, type CredentialPolicy } from './credential.policy.js';
import type { RefreshCause } from './credential-kind.js';

const DAY_MS = 86_400_000;
/** No ledger is further from full than 7.2 h: a row that says so was written by a clock that was ahead. */
export const LONGEST_LEDGER_MS = 8 * 3_600_000;
const CLOCK_SLACK_MS = 120_000;
/** WeChat's days are China's. The hour at which its quotas start again is not documented. */
const CHINA_OFFSET_MS = 8 * 3_600_000;

/**
 * The ledger is a bucket of fetches that refills evenly over the day. The row holds one number: the
 * moment at which the bucket will be full again. Each fetch moves that moment on by one interval, and a
 * bucket of N fetches has room while the moment is at most N intervals ahead.
 */
export interface LedgerTerms {
  readonly intervalMs: number;
  /** How far ahead the moment may ever be. */
  readonly capacityMs: number;
  /** How far ahead this fetch may put it; undefined: it is counted, not refused. */
  readonly roomMs: number | undefined;
}

/**
 * Reports leave the last third to the schedule: clients must not be able to starve it. An admin's
 * refresh is counted and never refused.
 */
export function ledgerTerms(
  policy: CredentialPolicy,
  lifetimeMs: number,
  cause: RefreshCause,
): LedgerTerms {
  const { capacity, perDay } = policy.ledger;
  const intervalMs = Math.ceil((DAY_MS / perDay) * scaleOf(policy, lifetimeMs));
  const capacityMs = capacity * intervalMs;
  const forReports = (capacity - Math.ceil(capacity / 3)) * intervalMs;
  const roomMs = { schedule: capacityMs, report: forReports, admin: undefined }[cause];
  return { intervalMs, capacityMs, roomMs };
}

/** When a fetch will have room again; in the past when it has room now. */
export function ledgerRoomAtMs(terms: LedgerTerms, ledgerFullAtMs: number, nowMs: number): number {
  const isFromBrokenClock = ledgerFullAtMs > nowMs + LONGEST_LEDGER_MS;
  return terms.roomMs === undefined || isFromBrokenClock
    ? 0
    : ledgerFullAtMs + terms.intervalMs - terms.roomMs;
}

/** Fetches that the bucket has given out and not yet got back. */
export function ledgerUsed(terms: LedgerTerms, ledgerFullAtMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((ledgerFullAtMs - nowMs) / terms.intervalMs));
}

/** The number of China's day, as the row's `calls_day`. */
export function chinaDay(nowMs: number): number {
  return Math.floor((nowMs + CHINA_OFFSET_MS) / DAY_MS);
}

/** The forced refreshes of the last 24 h, oldest first: a true window, since WeChat's own is 20 a day. */
export function parseForcedAt(forcedAt: string, nowMs: number): number[] {
  return forcedAt
    .split(',')
    .filter((entry) => entry !== '')
    .map(Number)
    .filter((atMs) => atMs > nowMs - DAY_MS && atMs <= nowMs + CLOCK_SLACK_MS);
}

/** When the next forced refresh is allowed; at most `nowMs` when it is allowed now. */
export function forcedAllowedAtMs(
  policy: CredentialPolicy,
  row: { forcedAt: string; lifetimeMs: number },
  nowMs: number,
): number {
  if (policy.forced === undefined) {
    return nowMs;
  }
  const recent = parseForcedAt(row.forcedAt, nowMs);
  const last = recent.at(-1);
  const apartAtMs = last === undefined ? nowMs : last + policy.forced.apartMs;
  const oldestThatCounts = recent.at(-policy.forced.perDay);
  return Math.max(apartAtMs, oldestThatCounts === undefined ? nowMs : oldestThatCounts + DAY_MS);
}
