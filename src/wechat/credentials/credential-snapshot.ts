import { createHash } from 'node:crypto';
import { responseTemplate, type ResponseTemplate } from '../../http/response-template.js';
import { clientCacheSeconds, type CredentialPolicy } from './credential.policy.js';

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
  /** Here and not in a map beside it: each look-up is memory that another account has pushed out of the caches. */
  readonly template: ResponseTemplate;
}

export interface SnapshotSource {
  readonly appId: string;
  readonly kind: string;
  readonly policy: CredentialPolicy;
  readonly rowId: string;
  readonly live: { readonly version: number; readonly value: string; readonly lifetimeMs: number };
  /** The effective expiry. */
  readonly expiresAtMs: number;
  readonly trustedMs: number;
}

/** Whether a snapshot of this source would say the same. */
export function isMadeFrom(snapshot: CredentialSnapshot, source: SnapshotSource): boolean {
  const { live, policy } = source;
  return (
    snapshot.value === live.value &&
    snapshot.etag === etagOf(source.rowId, live.version) &&
    snapshot.expiresAtMs === source.expiresAtMs &&
    snapshot.trustedMs === source.trustedMs &&
    snapshot.cacheSeconds === clientCacheSeconds(policy, live.lifetimeMs)
  );
}

export function makeSnapshot(source: SnapshotSource): CredentialSnapshot {
  const { appId, kind, policy, rowId, live, expiresAtMs, trustedMs } = source;
  const { version, value } = live;
  const expiresAt = new Date(expiresAtMs).toISOString();
  return Object.freeze({
    appId,
    kind,
    version,
    value,
    expiresAtMs,
    expiresAt,
    cacheSeconds: clientCacheSeconds(policy, live.lifetimeMs),
    trustedMs,
    etag: etagOf(rowId, version),
    template: responseTemplate({ appId, kind, value, expiresAt, version }),
  });
}

function etagOf(rowId: string, version: number): string {
  const digest = createHash('sha256').update(`${rowId}:${version}`).digest('base64url');
  return `"${digest.slice(0, 22)}"`;
}
