import type { Reading } from './reading.js';

/** What a followed table has in each row beside its own columns. */
export interface FollowedRow {
  /** Grows with every statement on the row. */
  readonly revision: number;
  /** Milliseconds since 1970 by the database's clock: when the last of them was. */
  readonly updatedAt: number;
  /** Where the table has one: it tells a row that was removed and made again from the one before. */
  readonly fence?: number;
}

/** Which state of a row memory holds, and from which reading. */
export interface HeldRow extends FollowedRow {
  readonly reading: Reading;
}

export function toHeld({ revision, updatedAt, fence }: FollowedRow, reading: Reading): HeldRow {
  return { revision, updatedAt, reading, ...(fence !== undefined && { fence }) };
}

/** A table in four numbers. Rows that are added, changed or removed change at least one of them. */
export interface Sums {
  readonly rows: number;
  readonly revisions: number;
  readonly fences: number;
  readonly latestMs: number;
}

export interface TableProgress {
  /** The database's time of the last round after which memory equalled the table; -Infinity before the first. */
  readonly inStepAtMs: number;
  /** The database's time of the last reading of the whole table. */
  readonly wholeAtMs: number;
}

export type NextReading = 'none' | 'whole' | { readonly changedAfterMs: number };

/** Also meets what leaves every sum as it was. */
const WHOLE_EVERY_MS = 60_000;
/** A statement is given up after 5 s: so long after the time that it wrote, a row may still come to light. */
const OVERLAP_MS = 10_000;

export function sumsOf(held: Iterable<FollowedRow>): Sums {
  let [rows, revisions, fences, latestMs] = [0, 0, 0, 0];
  for (const row of held) {
    rows += 1;
    revisions += row.revision;
    fences += row.fence ?? 0;
    latestMs = Math.max(latestMs, row.updatedAt);
  }
  return { rows, revisions, fences, latestMs };
}

export function areEqual(one: Sums, other: Sums): boolean {
  return (
    one.rows === other.rows &&
    one.revisions === other.revisions &&
    one.fences === other.fences &&
    one.latestMs === other.latestMs
  );
}

/**
 * What has to be read of a table next.
 *
 *   never read, or not for a minute       ─▶ whole
 *   the database's clock went back        ─▶ whole: `updated_at` says nothing
 *   the sums equal those of memory        ─▶ none
 *   else                                  ─▶ what changed since memory equalled the table
 *
 * Should the sums differ after that, the whole table follows at once.
 */
export function nextReading(
  { inStepAtMs, wholeAtMs }: TableProgress,
  nowMs: number,
  isEqual: boolean,
): NextReading {
  if (nowMs < inStepAtMs || nowMs - wholeAtMs >= WHOLE_EVERY_MS) {
    return 'whole';
  }
  return isEqual ? 'none' : { changedAfterMs: Math.trunc(inStepAtMs - OVERLAP_MS) };
}

/** Whether the row differs from what memory holds of it. */
export function isOther(held: FollowedRow | undefined, row: FollowedRow): boolean {
  return (
    held?.revision !== row.revision || held.fence !== row.fence || held.updatedAt !== row.updatedAt
  );
}

/**
 * Which of two readings of a row counts. Of two that overlap, the one with the higher revision saw the later state.
 * One that began after the other had ended counts in any case: a lower revision means a restored database.
 */
export function supersedes(held: HeldRow | undefined, row: HeldRow): boolean {
  return (
    held === undefined || row.reading.begun > held.reading.ended || row.revision > held.revision
  );
}

/** Whether a row that a reading of the whole table did not find is gone; one that was read meanwhile may be new. */
export function isGone(held: HeldRow, whole: Reading): boolean {
  return whole.begun > held.reading.ended;
}
