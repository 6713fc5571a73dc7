import type { CredentialSlot } from './credential-slot.js';
import type { RefreshFailure } from './refresh-failure.js';

interface Incident {
  readonly key: string;
}

const newest = new WeakMap<CredentialSlot, Incident>();

/** Of a refresh that failed: the same for readers, reporters and admins, until another one failed. */
export function incidentOfFailure(slot: CredentialSlot, { atMs }: RefreshFailure): object {
  return incidentOf(slot, `failed at ${atMs}`);
}

/** Of another reason why there is no usable value: the same until the next attempt, or another reason. */
export function incidentOfReason(slot: CredentialSlot, reason: string): object {
  return incidentOf(slot, `${slot.row.attemptAt} ${reason}`);
}

function incidentOf(slot: CredentialSlot, key: string): object {
  const known = newest.get(slot);
  if (known?.key === key) {
    return known;
  }
  const incident = { key };
  newest.set(slot, incident);
  return incident;
}
