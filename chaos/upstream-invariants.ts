import type { Evidence, Verdict } from './evidence.js';
import type { Row, UpstreamCall } from './record.js';
import { FETCH_PATH } from './wechat-paths.js';

/** Two ends of connections may be noticed in the other order. */
const NOTICED_MS = 20;
/** After a database fault a process may find the database away for as long as a statement may take. */
const DATABASE_AWAY_MS = 7_000;

function fetches({ calls, terms }: Evidence): UpstreamCall[] {
  return calls.filter(({ path }) => path === FETCH_PATH[terms.mode]).sort((a, b) => a.at - b.at);
}

/** I1: at most one fetch in flight, save where a holder was stopped past its lease. */
export function oneFetchInFlight(evidence: Evidence): Verdict {
  const all = fetches(evidence);
  const violations: string[] = [];
  let excused = 0;
  for (const [index, later] of all.entries()) {
    for (const earlier of all.slice(0, index)) {
      if (earlier.endedAt - NOTICED_MS <= later.at) {
        continue;
      }
      const problem = overlapProblem(evidence, earlier, later);
      if (problem === undefined) {
        excused += 1;
      } else {
        violations.push(`${pair(earlier, later)} were in flight together: ${problem}`);
      }
    }
  }
  return {
    invariant: 'I1',
    title: 'one upstream fetch in flight',
    checked: all.length,
    violations,
    ...(excused > 0 && { note: `${excused} beside a holder stopped past its lease` }),
  };
}

function overlapProblem(
  evidence: Evidence,
  earlier: UpstreamCall,
  later: UpstreamCall,
): string | undefined {
  const { terms, absences, rows } = evidence;
  if (isUnclaimed(evidence, earlier) || isUnclaimed(evidence, later)) {
    return undefined;
  }
  const wasStopped = absences.some(
    ({ replica, how, at, endedAt }) =>
      replica === earlier.replica && how === 'stopped' && at < later.at && endedAt > earlier.at,
  );
  if (!wasStopped) {
    return 'nobody was stopped';
  }
  if (later.at - earlier.at < terms.leaseMs - terms.callMs) {
    return 'the lease was not over';
  }
  if (terms.mode === 'stable') {
    return undefined;
  }
  const isSuspect = rows.some(
    ({ at, suspectAt }) => at > later.at - 1_000 && at < later.at + 5_000 && suspectAt !== null,
  );
  return isSuspect ? undefined : 'the row did not become suspect';
}

/** Stable: without a database a token near its end is fetched without a claim, which harms nobody. */
function isUnclaimed({ terms, faults, absences }: Evidence, call: UpstreamCall): boolean {
  const spans = [
    ...faults.filter(({ fault }) => fault.startsWith('database') || fault === 'holder_cut'),
    ...absences,
  ];
  return (
    terms.mode === 'stable' &&
    spans.some(({ at, endedAt }) => at < call.at && endedAt > call.at - DATABASE_AWAY_MS)
  );
}

/**
 * I2: no two claims within the floor, by the database's own stamps. Calls may come a little closer than
 * their claims, by what lies between a claim and its call.
 */
export function floorBetweenFetches({ rows, terms, history }: Evidence): Verdict {
  // Of a claim that nobody saw in the row, the history may tell, and the other way about.
  const claims = new Map([
    ...claimsOf(rows).map((claim) => [claim.fence, claim] as const),
    ...history.map(({ fence, startedAt }) => [fence, { fence, claimedAt: startedAt }] as const),
  ]);
  const sorted = [...claims.values()].sort((a, b) => a.fence - b.fence);
  const violations = sorted.slice(1).flatMap((claim, index) => {
    const before = sorted[index];
    if (before === undefined) {
      return [];
    }
    // Between two whose fences are two apart lies one that nobody saw (stable: or a value that was held
    // in memory).
    const steps = terms.mode === 'legacy' ? claim.fence - before.fence : 1;
    const gapMs = claim.claimedAt - before.claimedAt;
    return gapMs < steps * terms.floorMs
      ? [`fences ${before.fence} and ${claim.fence} were claimed ${Math.round(gapMs)} ms apart`]
      : [];
  });
  const title = `the floor of ${terms.floorMs} ms between fetches`;
  return { invariant: 'I2', title, checked: claims.size, violations };
}

function claimsOf(rows: readonly Row[]): { fence: number; claimedAt: number }[] {
  const claims = new Map<number, { fence: number; claimedAt: number }>();
  for (const { claimedAt, fence } of rows) {
    if (claimedAt > 0 && !claims.has(claimedAt)) {
      claims.set(claimedAt, { fence, claimedAt });
    }
  }
  return [...claims.values()];
}

/** I3: every fetch was booked before it was made, and the bucket never gave out more than it holds. */
export function ledgerKept(evidence: Evidence): Verdict {
  const { terms, rows, adminRefreshes, logs, absences } = evidence;
  const made = fetches(evidence).length;
  const booked = bookedCalls(rows);
  const violations: string[] = [];
  const unclaimed =
    terms.mode === 'legacy'
      ? 0
      : absences.length +
        logs.filter(
          ({ event, fields }) =>
            event === 'refresh' &&
            (fields.outcome === 'pending' || fields.outcome === 'database_away'),
        ).length;
  if (made > booked + unclaimed) {
    violations.push(`${made} fetches were made, but ${booked} were booked`);
  }
  const first = rows[0]?.at ?? 0;
  const last = rows.at(-1)?.at ?? 0;
  const { capacity, intervalMs } = terms.ledger;
  const room = capacity + Math.ceil((last - first) / intervalMs) + adminRefreshes.length;
  if (booked > room) {
    violations.push(`${booked} fetches were booked, but the bucket held ${room}`);
  }
  const note = `${booked} booked of ${room}`;
  return { invariant: 'I3', title: "the day's ledger", checked: made, violations, note };
}

/** The row counts by the day: it starts again at 1. */
function bookedCalls(rows: readonly Row[]): number {
  let booked = 0;
  let before = 0;
  for (const { callsToday } of rows) {
    booked += callsToday >= before ? callsToday - before : callsToday;
    before = callsToday;
  }
  return booked;
}

/**
 * I10: every refresh has its row of history: the claim opens it, whoever settles closes it. What could
 * not be closed by its own process, the next claim closes; so the last one may stand open.
 */
export function historyComplete(evidence: Evidence): Verdict {
  const { history, rows } = evidence;
  const known = new Set(history.map(({ fence }) => fence));
  const fetched = claimsOf(rows).filter((claim, index, all) =>
    fetches(evidence).some(
      (call) =>
        call.at >= claim.claimedAt &&
        call.at < (all[index + 1]?.claimedAt ?? Infinity) &&
        !isUnclaimed(evidence, call),
    ),
  );
  const missing = fetched.filter(({ fence }) => !known.has(fence));
  const last = Math.max(...known);
  const open = history.filter(({ outcome, fence }) => outcome === null && fence < last);
  const violations = [
    ...missing.map(({ fence }) => `the fetch under fence ${fence} has no row`),
    ...open.map(({ fence }) => `the row of fence ${fence} was never closed`),
  ];
  const title = 'every refresh has its row of history';
  return { invariant: 'I10', title, checked: history.length, violations };
}

function pair(a: UpstreamCall, b: UpstreamCall): string {
  const apart = Math.round(b.at - a.at);
  return `fetches of replica ${a.replica} and, ${apart} ms later, of replica ${b.replica}`;
}
