import type { UpstreamProblem } from '../../errors/app-error.js';
import type { CredentialFacts } from './credential-facts.js';
import type { Credential } from './credential.js';
import {
  claimableAtMs,
  displayedState,
  isUsable,
  type CredentialView,
  type StateName,
} from './credential-view.js';
import { ledgerTerms, ledgerUsed, chinaDay } from './ledger.js';
import { parseFailure } from './refresh-failure.js';

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

/** @param rowsReadAtMs when the rows were last read */
export function describeCredential(
  { facts, view }: Pick<Credential, 'facts' | 'view'>,
  rowsReadAtMs: number,
  nowMs: number,
): CredentialState {
  const { row, policy } = facts;
  const ledger = ledgerTerms(policy, row.lifetimeMs, 'schedule');
  const expiresAtMs = view.effectiveExpiresAtMs;
  return {
    state: displayedState(view, rowsReadAtMs, nowMs),
    version: view.version,
    expires_at: isoOrNull(expiresAtMs),
    expires_in: isUsable(view, rowsReadAtMs, nowMs)
      ? Math.floor((expiresAtMs - nowMs) / 1_000)
      : null,
    next_refresh_at: isoOrNull(nextRefreshAtMs(facts, view, nowMs)),
    last_attempt_at: isoOrNull(row.claimedAt),
    failures_in_a_row: row.failures,
    last_error:
      view.unopened === undefined
        ? lastError(parseFailure(row.lastError))
        : unreadable(view.unopened, nowMs),
    upstream_calls_today: row.callsDay === chinaDay(nowMs) ? row.callsToday : 0,
    ledger: {
      used: ledgerUsed(ledger, row.ledgerFullAt, nowMs),
      limit: policy.ledger.capacity,
    },
    foreign_rotations: row.foreignRotations,
  };
}

/** What is wanted at once has to wait for the floor all the same. @returns 0 where none will come, as things are */
function nextRefreshAtMs(
  facts: CredentialFacts,
  { dueAtMs }: CredentialView,
  nowMs: number,
): number {
  if (dueAtMs === Infinity) {
    return 0;
  }
  const claimableMs = claimableAtMs(facts, { cause: 'schedule', force: 'no' }, nowMs);
  return dueAtMs > nowMs ? Math.max(dueAtMs, claimableMs) : Math.max(nowMs, claimableMs);
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
