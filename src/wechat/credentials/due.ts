import type { CredentialSlot } from './credential-slot.js';

const CLOCK_WENT_BACK_MS = 5_000;

/**
 * When a refresh is wanted next: by the row, or at once (0) for a reason that the row's own time does not
 * know. The scheduler starts by it, and who waits for a credential tells by it whether waiting helps.
 */
export function dueAtMs(slot: CredentialSlot, nowMs: number): number {
  const { row, account, unstored } = slot;
  const isWantedNow =
    // Somebody is fetching, or died between the claim and the commit.
    row.owner !== null ||
    // The secret or the mode was changed since the last attempt.
    row.configVersion < account.configVersion ||
    // A death that the row does not say yet.
    (slot.isDead && row.deadAt === null) ||
    // A value that was fetched without a claim has to be stored under one.
    (unstored !== undefined && unstored.claim === undefined && unstored.disputed !== true) ||
    // The clock went back, or the row comes from another one.
    row.obtainedAt > nowMs + CLOCK_WENT_BACK_MS;
  return isWantedNow ? 0 : row.nextAttemptAt;
}
