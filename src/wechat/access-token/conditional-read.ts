import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';

/** What the answers to all reads of credentials say of how long it may be used. */
export interface RemainingLife {
  readonly expires_in: number;
  readonly expires_at: string;
  readonly version: number;
  readonly cache_for: number;
}

/**
 * Sets the headers of a read.
 * @returns whether the client has this version already: then the answer is 304, without a body
 */
export function isUnchanged(
  snapshot: CredentialSnapshot,
  request: FastifyRequest,
  reply: FastifyReply,
): boolean {
  void reply.header('etag', snapshot.etag);
  const known = request.headers['if-none-match'];
  if (known === undefined || !names(known, snapshot.etag)) {
    return false;
  }
  void reply.status(304);
  return true;
}

/** @param trustLeftMs how long this process would serve it on what it has read: nobody may keep it for longer */
export function remainingLife(
  snapshot: CredentialSnapshot,
  trustLeftMs: number,
  nowMs: number,
): RemainingLife {
  const leftSeconds = Math.max(1, wholeSeconds(snapshot.expiresAtMs - nowMs));
  return {
    expires_in: leftSeconds,
    expires_at: snapshot.expiresAt,
    version: snapshot.version,
    cache_for: Math.max(0, Math.min(snapshot.cacheSeconds, leftSeconds, wholeSeconds(trustLeftMs))),
  };
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1_000);
}

/** RFC 9110, 13.1.2: a list of entity tags, compared weakly, or `*`. */
function names(ifNoneMatch: string, etag: string): boolean {
  return (
    ifNoneMatch === etag ||
    ifNoneMatch
      .split(',')
      .map((tag) => tag.trim().replace(/^W\//, ''))
      .some((tag) => tag === etag || tag === '*')
  );
}
