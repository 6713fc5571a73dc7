import { isServable } from './credential.policy.js';
import type { CredentialView } from './credential-view.js';
import { valueHash } from './value-hash.js';

/** `unknown`: somebody may have replaced it, and WeChat could not be asked. */
export type TokenValidity = 'good' | 'dead' | 'expired' | 'unknown';

/**
 * Whether WeChat would accept a value of this credential now, by all that this process knows.
 * @param isHandedOut whether the live value may be handed out at this moment
 */
export function tokenValidity(
  { live, isDead, previous }: CredentialView,
  value: string,
  { nowMs, isHandedOut }: { readonly nowMs: number; readonly isHandedOut: boolean },
): TokenValidity {
  if (value !== live?.value) {
    return previous?.hash === valueHash(value) && nowMs < previous.untilMs ? 'good' : 'expired';
  }
  if (isDead) {
    return 'dead';
  }
  if (!isServable(live.expiresAtMs, nowMs)) {
    return 'expired';
  }
  return isHandedOut ? 'good' : 'unknown';
}
