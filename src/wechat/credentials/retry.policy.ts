import type { FailureClass } from '../api/errcode-table.js';
import { floorMs, scaleOf, type CredentialPolicy } from './credential.policy.js';

export interface FailedAttempt {
  readonly failureClass: FailureClass;
  readonly streak: number;
  /** Unknown outcomes since the last commit, this one included. */
  readonly unknownOutcomes: number;
  /** What the errcode table asks for, over the class's own pause. */
  readonly retryAfterMs: number | undefined;
  /** How long the stored value may still be served; 0 or less when there is none. */
  readonly servableMs: number;
  readonly lifetimeMs: number;
  /** In [0, 1). */
  readonly jitter: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Pauses that double with each failure of the same class in a row: `first`, up to `longest`. */
const TRANSIENT = {
  first: 2 * SECOND_MS,
  longest: 60 * SECOND_MS,
  longestWhenUrgent: 10 * SECOND_MS,
};
const QUIET = { first: 20 * SECOND_MS, longest: 300 * SECOND_MS };
const OPERATOR = { first: 5 * MINUTE_MS, longest: 30 * MINUTE_MS };
const THROTTLED_MS = MINUTE_MS;
const URGENT_MS = 600 * SECOND_MS;

/**
 * How long to wait after a failure, in milliseconds.
 *
 * - transient: full jitter, so that replicas and accounts do not return in step
 * - unknown outcome, where a fetch ends the older value: quiet, so that a request that is still on its
 *   way cannot supersede the next one; elsewhere like transient, since a repeat returns the same value
 * - throttled: as long as WeChat's own window
 * - operator: slow, since only a person can mend it
 */
export function retryDelayMs(policy: CredentialPolicy, attempt: FailedAttempt): number {
  switch (attempt.failureClass) {
    case 'throttled':
      return attempt.retryAfterMs ?? THROTTLED_MS;
    case 'operator':
      return attempt.retryAfterMs ?? doubled(OPERATOR.first, OPERATOR.longest, attempt.streak);
    case 'unknown_outcome':
      return withinReach(policy, attempt, unknownOutcomeMs(policy, attempt));
    case 'transient':
    case 'dead_credential':
      return withinReach(policy, attempt, transientMs(policy, attempt));
  }
}

function unknownOutcomeMs(policy: CredentialPolicy, attempt: FailedAttempt): number {
  if (!policy.fetchEndsOlderValue) {
    return transientMs(policy, attempt);
  }
  const quietMs = doubled(QUIET.first, QUIET.longest, attempt.unknownOutcomes);
  return quietMs * scaleOf(policy, attempt.lifetimeMs);
}

function transientMs(policy: CredentialPolicy, attempt: FailedAttempt): number {
  const isUrgent = attempt.servableMs < URGENT_MS * scaleOf(policy, attempt.lifetimeMs);
  const longest = isUrgent ? TRANSIENT.longestWhenUrgent : TRANSIENT.longest;
  return attempt.jitter * doubled(TRANSIENT.first, longest, attempt.streak);
}

/** Never longer than a third of what is left to live, while there is some, nor shorter than the floor. */
function withinReach(policy: CredentialPolicy, attempt: FailedAttempt, delayMs: number): number {
  const bounded = attempt.servableMs > 0 ? Math.min(delayMs, attempt.servableMs / 3) : delayMs;
  return Math.ceil(Math.max(bounded, floorMs(policy, attempt.lifetimeMs)));
}

function doubled(first: number, longest: number, times: number): number {
  return Math.min(longest, first * 2 ** Math.min(times - 1, 16));
}
