import { validationFailed } from '../http/validation.errors.js';

/** The last moment that ISO 8601 can write with four digits for the year. */
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * `expires_at` of a body in milliseconds; null and undefined stay what they are.
 * @throws AppError `validation_failed` for a time that is over
 */
export function readExpiry<Absent extends null | undefined>(
  expiresAt: string | Absent,
  nowMs: number,
): number | Absent {
  if (typeof expiresAt !== 'string') {
    return expiresAt;
  }
  const expiresAtMs = Date.parse(expiresAt);
  if (expiresAtMs > nowMs && expiresAtMs <= LATEST_MS) {
    return expiresAtMs;
  }
  throw validationFailed('body', [{ path: ['expires_at'], message: 'must lie in the future' }]);
}
