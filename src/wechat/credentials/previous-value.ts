import { overlapServedMs } from './credential.policy.js';
import type { CredentialSlot } from './credential-slot.js';
import { valueHash } from './value-hash.js';

/** The value before the live one, which a caller may still hold. */
export interface PreviousValue {
  readonly hash: string;
  /** Until when WeChat accepts it. */
  readonly untilMs: number;
}

/** @returns undefined where there was none before the live one, or WeChat did not let it live on */
export function previousOf(slot: CredentialSlot): PreviousValue | undefined {
  const { unstored, row, policy } = slot;
  const hash = unstored === undefined ? null : outgoingHash(slot, unstored.value);
  if (unstored !== undefined && hash !== null) {
    return { hash, untilMs: unstored.obtainedAtMs + overlapServedMs(policy, unstored.lifetimeMs) };
  }
  const { previousHash, previousUntil } = row;
  return previousHash === null || previousUntil === null
    ? undefined
    : { hash: previousHash, untilMs: previousUntil };
}

/** What a commit of `next` makes the previous value: the hash of the stored one, unless WeChat refused it. */
export function outgoingHash(
  { stored, isStoredDead }: CredentialSlot,
  next: string,
): string | null {
  return stored === undefined || stored.value === next || isStoredDead
    ? null
    : valueHash(stored.value);
}
