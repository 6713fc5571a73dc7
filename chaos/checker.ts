import type { Evidence, Verdict } from './evidence.js';
import { fewDeadReads, noNeedlessWait, nothingExpired, versionsGrow } from './read-invariants.js';
import {
  floorBetweenFetches,
  historyComplete,
  ledgerKept,
  oneFetchInFlight,
} from './upstream-invariants.js';

/**
 * Whether a run kept what the service promises (docs/reliability.md). Pure: it looks at the record
 * alone, and by figures of its own, not by the service's code.
 */
export function check(evidence: Evidence): Verdict[] {
  return [
    oneFetchInFlight(evidence),
    floorBetweenFetches(evidence),
    ledgerKept(evidence),
    versionsGrow(evidence),
    nothingExpired(evidence),
    fewDeadReads(evidence),
    settledInTime(evidence),
    noSecretTold(evidence),
    noNeedlessWait(evidence),
    historyComplete(evidence),
  ];
}

/** I7: some time after the last fault every replica serves WeChat's newest token. */
function settledInTime({ settled, terms }: Evidence): Verdict {
  const { lastFaultAt, settledAt, problem } = settled;
  const tookMs = settledAt === null ? Infinity : settledAt - lastFaultAt;
  const isLate = tookMs > terms.settleMs;
  const title = `${terms.settleMs / 1_000} s after the last fault all serve WeChat's newest token`;
  return {
    invariant: 'I7',
    title,
    checked: terms.replicas,
    violations: isLate ? [problem ?? `it took ${Math.round(tookMs / 1_000)} s`] : [],
    ...(settledAt !== null && { note: `after ${(Math.max(0, tookMs) / 1_000).toFixed(1)} s` }),
  };
}

/** I8: no secret in any output. */
function noSecretTold({ outputs, secrets }: Evidence): Verdict {
  const violations = outputs.flatMap(({ name, text }) =>
    secrets
      .filter((secret) => text.includes(secret.text))
      .map((secret) => `${name} holds ${secret.name} in clear`),
  );
  const checked = outputs.length * secrets.length;
  return { invariant: 'I8', title: 'no secret in any output', checked, violations };
}
