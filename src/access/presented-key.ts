import { hash } from 'node:crypto';
import { hasKeyPrefix, isMistyped } from './client-key.js';
import { RefusalError } from './refusals.js';

/** The headers that may carry a key; those of a request of Node or of Fastify fit. */
interface KeyHeaders {
  readonly authorization?: string | undefined;
  readonly 'x-api-key'?: string | string[] | undefined;
}

/** What is left of a key once it was read: enough to look it up, too little to use it. */
export interface PresentedKey {
  /** As {@link hashKey} makes it. */
  readonly hash: string;
  /** Its checksum says that no such client key was ever made; a key of the environment may look so too. */
  readonly isMistyped: boolean;
  /** It has the form of a stored client's key. `CLIENT_API_KEY` and `ADMIN_API_KEY` may have any form. */
  readonly mayBeStored: boolean;
}

const BEARER = 'bearer ';

/** SHA-256 of a key, base64url: how keys are stored, looked up and compared. */
export function hashKey(key: string): string {
  return hash('sha256', key, 'base64url');
}

/** For a key that came in another way than by the headers. */
export function presented(key: string): PresentedKey {
  const isWrong = isMistyped(key);
  return {
    hash: hashKey(key),
    isMistyped: isWrong,
    mayBeStored: !isWrong && hasKeyPrefix(key),
  };
}

/**
 * The key that a request carries, as `Authorization: Bearer <key>` or `X-API-Key: <key>`.
 * @throws AppError `unauthenticated` when there is none, or two that differ
 */
export function presentedKey(headers: KeyHeaders): PresentedKey {
  const bearer = bearerKey(headers.authorization);
  const apiKey = headers['x-api-key'];
  if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey) {
    throw new RefusalError(
      'unauthenticated',
      'differing_keys',
      'The Authorization and X-API-Key headers hold different keys. Send one of them.',
    );
  }
  const key = bearer ?? apiKey;
  if (typeof key !== 'string' || key === '') {
    throw new RefusalError(
      'unauthenticated',
      'no_key',
      'Send a key in the header "Authorization: Bearer <key>" or "X-API-Key: <key>".',
    );
  }
  return presented(key);
}

/** The scheme in any case (RFC 9110, 11.1). Another scheme, such as a proxy's Basic, carries no key of ours. */
export function bearerKey(authorization: string | undefined): string | undefined {
  if (authorization?.slice(0, BEARER.length).toLowerCase() !== BEARER) {
    return undefined;
  }
  return authorization.slice(BEARER.length).trim();
}
