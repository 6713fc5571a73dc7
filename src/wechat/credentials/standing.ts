import { isServable } from './credential.policy.js';
import type { CredentialSlot } from './credential-slot.js';
import { previousOf } from './previous-value.js';
import { valueHash } from './value-hash.js';

/** `doubtful`: it may have been replaced by somebody, and nobody could be asked. */
export type Standing = 'good' | 'dead' | 'expired' | 'doubtful';

/**
 * Whether WeChat would accept a value of this credential now, by all that this process knows.
 * @param isHandedOut whether the live value may be handed out at this moment
 */
export function standingOf(
  slot: CredentialSlot,
  value: string,
  { nowMs, isHandedOut }: { readonly nowMs: number; readonly isHandedOut: boolean },
): Standing {
  const { live } = slot;
  if (value !== live?.value) {
    const previous = previousOf(slot);
    return previous?.hash === valueHash(value) && nowMs < previous.untilMs ? 'good' : 'expired';
  }
  if (slot.isDead) {
    return 'dead';
  }
  if (!isServable(live.expiresAtMs, nowMs)) {
    return 'expired';
  }
  return isHandedOut ? 'good' : 'doubtful';
}
