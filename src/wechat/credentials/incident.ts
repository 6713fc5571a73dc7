import type { Credential } from './credential.js';
import type { RefreshFailure } from './refresh-failure.js';

interface Incident {
  readonly key: string;
}

const newest = new WeakMap<Credential, Incident>();

/** For a failed refresh: the same object for readers, reporters and admins until another one fails. */
export function incidentOfFailure(credential: Credential, { atMs }: RefreshFailure): object {
  return incidentOf(credential, `failed at ${atMs}`);
}

/** For another reason why there is no usable value: the same object until the next attempt or another reason. */
export function incidentOfReason(credential: Credential, reason: string): object {
  return incidentOf(credential, `${credential.row.claimedAt} ${reason}`);
}

function incidentOf(credential: Credential, key: string): object {
  const known = newest.get(credential);
  if (known?.key === key) {
    return known;
  }
  const incident = { key };
  newest.set(credential, incident);
  return incident;
}
