import { createHash } from 'node:crypto';
import { clientCacheSeconds, overlapServedMs, type CredentialPolicy } from './credential.policy.js';

/**
 * A value as it is handed out: immutable, and swapped whole. What a read needs is ready in it, so that
 * an answer costs no arithmetic beyond "what is left".
 */
export interface CredentialSnapshot {
  readonly appId: string;
  readonly kind: string;
  readonly version: number;
  readonly value: string;
  /** The effective expiry, in milliseconds since 1970 by the database's clock. */
  readonly expiresAtMs: number;
  /** The same as ISO 8601 UTC. */
  readonly expiresAt: string;
  /** How long a client may keep it, at most. */
  readonly cacheSeconds: number;
  /** How long it may be served after the last reading of its row, since another replica may have rotated. */
  readonly trustedMs: number;
  /** With its quotes. Opaque; changes with the version. */
  readonly etag: string;
}

export interface SnapshotSource {
  readonly appId: string;
  readonly kind: string;
  readonly policy: CredentialPolicy;
  readonly rowId: string;
  readonly live: { readonly version: number; readonly value: string; readonly lifetimeMs: number };
  /** The effective expiry. */
  readonly expiresAtMs: number;
}

export function makeSnapshot(source: SnapshotSource): CredentialSnapshot {
  const { appId, kind, policy, rowId, live, expiresAtMs } = source;
  return Object.freeze({
    appId,
    kind,
    version: live.version,
    value: live.value,
    expiresAtMs,
    expiresAt: new Date(expiresAtMs).toISOString(),
    cacheSeconds: clientCacheSeconds(policy, live.lifetimeMs),
    trustedMs: policy.fetchEndsOlderValue ? overlapServedMs(policy, live.lifetimeMs) : Infinity,
    etag: etagOf(rowId, live.version),
  });
}

function etagOf(rowId: string, version: number): string {
  const digest = createHash('sha256').update(`${rowId}:${version}`).digest('base64url');
  return `"${digest.slice(0, 22)}"`;
}
