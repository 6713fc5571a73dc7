import type { UpstreamProblem } from '../../errors/app-error.js';
import { floorMs, isUnproved } from './credential.policy.js';
import type { CredentialSlot } from './credential-slot.js';
import { ledgerTerms, ledgerUsed, chinaDay } from './ledger.js';
import { parseFailure } from './refresh-failure.js';

export const STATES = ['empty', 'live', 'due', 'suspect', 'dead', 'expired', 'blocked'] as const;

export type StateName = (typeof STATES)[number];

/** What an operator sees of a credential. Never holds its value. Times are ISO 8601 UTC. */
export interface CredentialState {
  readonly state: StateName;
  readonly version: number;
  readonly expires_at: string | null;
  readonly expires_in: number | null;
  readonly next_refresh_at: string | null;
  readonly last_attempt_at: string | null;
  readonly failures_in_a_row: number;
  readonly last_error: (UpstreamProblem & { code: string; at: string }) | null;
  readonly upstream_calls_today: number;
  readonly ledger: { readonly used: number; readonly limit: number };
  readonly foreign_rotations: number;
}

export function describeCredential(slot: CredentialSlot, nowMs: number): CredentialState {
  const { row, policy } = slot;
  const failure = parseFailure(row.lastError);
  const servableUntilMs = slot.servableUntilMs();
  const ledger = ledgerTerms(policy, row.lifetimeMs, 'schedule');
  return {
    state: stateOf(slot, nowMs),
    version: slot.version,
    expires_at: isoOrNull(servableUntilMs),
    expires_in: servableUntilMs > nowMs ? Math.floor((servableUntilMs - nowMs) / 1_000) : null,
    next_refresh_at: slot.account.enabled ? isoOrNull(nextAttemptAtMs(slot, nowMs)) : null,
    last_attempt_at: isoOrNull(row.claimedAt),
    failures_in_a_row: row.failures,
    last_error: slot.problem === undefined ? lastError(failure) : unreadable(slot.problem, nowMs),
    upstream_calls_today: row.callsDay === chinaDay(nowMs) ? row.callsToday : 0,
    ledger: {
      used: ledgerUsed(ledger, row.ledgerFullAt, nowMs),
      limit: policy.ledger.capacity,
    },
    foreign_rotations: row.foreignRotations,
  };
}

/** A changed secret or mode is tried at once, as far as the floor allows, whatever pause the row knows. */
function nextAttemptAtMs({ row, account, policy }: CredentialSlot, nowMs: number): number {
  return row.configVersion < account.configVersion && row.claimedAt > 0
    ? Math.max(nowMs, row.claimedAt + floorMs(policy, row.lifetimeMs))
    : row.nextAttemptAt;
}

/** Derived from the row at each look, never stored as a word; the most urgent one is told. */
export function stateOf(slot: CredentialSlot, nowMs: number): StateName {
  const { row, live } = slot;
  if (slot.problem !== undefined || parseFailure(row.lastError)?.failureClass === 'operator') {
    return 'blocked';
  }
  if (live === undefined) {
    return 'empty';
  }
  if (slot.isDead) {
    return 'dead';
  }
  if (slot.servableUntilMs() <= nowMs) {
    return 'expired';
  }
  if ((slot.policy.fetchEndsOlderValue && row.suspectAt !== null) || isUnproved(row)) {
    return 'suspect';
  }
  // After a failure the next attempt lies ahead, and a refresh is wanted all the same.
  return row.failures > 0 || row.nextAttemptAt <= nowMs ? 'due' : 'live';
}

function lastError(failure: ReturnType<typeof parseFailure>): CredentialState['last_error'] {
  if (failure === undefined) {
    return null;
  }
  const { code, errcode, errmsg, advice, atMs } = failure;
  return { code, errcode, errmsg, advice, at: new Date(atMs).toISOString() };
}

function unreadable(problem: string, nowMs: number): CredentialState['last_error'] {
  return {
    code: 'internal_error',
    errcode: null,
    errmsg: problem,
    advice:
      'Put the right key into ENCRYPTION_PREVIOUS_KEYS, or replace the value by an admin refresh.',
    at: new Date(nowMs).toISOString(),
  };
}

function isoOrNull(atMs: number): string | null {
  return atMs > 0 ? new Date(atMs).toISOString() : null;
}
