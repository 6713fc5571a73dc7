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
