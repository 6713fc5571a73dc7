import { AppError } from '../errors/app-error.js';
import { hash } from 'node:crypto';

/** The headers that may carry a key; those of a request of Node or of Fastify fit. */
interface KeyHeaders {
  readonly authorization?: string | undefined;
  readonly 'x-api-key'?: string | string[] | undefined;
}

const BEARER = 'bearer ';

/** SHA-256 of a key, base64url: how keys are stored, looked up and compared. */
export function hashKey(key: string): string {
  return hash('sha256', key, 'base64url');
}

/**
 * The hash of the key that a request carries, as `Authorization: Bearer <key>` or `X-API-Key: <key>`.
 * @throws AppError `unauthenticated` when there is none, or two that differ
 */
export function presentedKeyHash(headers: KeyHeaders): string {
  const bearer = bearerKey(headers.authorization);
  const apiKey = headers['x-api-key'];
  if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey) {
    throw new AppError(
      'unauthenticated',
      'The Authorization and X-API-Key headers hold different keys. Send one of them.',
    );
  }
  const key = bearer ?? apiKey;
  if (typeof key !== 'string' || key === '') {
    throw new AppError(
      'unauthenticated',
      'Send a key in the header "Authorization: Bearer <key>" or "X-API-Key: <key>".',
    );
  }
  return hashKey(key);
}

/** The scheme in any case (RFC 9110, 11.1). Another scheme, such as a proxy's Basic, carries no key of ours. */
function bearerKey(authorization: string | undefined): string | undefined {
  if (authorization?.slice(0, BEARER.length).toLowerCase() !== BEARER) {
    return undefined;
  }
  return authorization.slice(BEARER.length).trim();
}
