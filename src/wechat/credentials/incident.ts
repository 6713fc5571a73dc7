import type { CredentialSlot } from './credential-slot.js';
import type { RefreshFailure } from './refresh-failure.js';

interface Incident {
  readonly key: string;
}

const newest = new WeakMap<CredentialSlot, Incident>();

/** For a failed refresh: the same object for readers, reporters and admins until another one fails. */
export function incidentOfFailure(slot: CredentialSlot, { atMs }: RefreshFailure): object {
  return incidentOf(slot, `failed at ${atMs}`);
}

/** For another reason why there is no usable value: the same object until the next attempt or another reason. */
export function incidentOfReason(slot: CredentialSlot, reason: string): object {
  return incidentOf(slot, `${slot.row.claimedAt} ${reason}`);
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
