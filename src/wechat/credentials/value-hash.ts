import { hash } from 'node:crypto';

/**
 * SHA-256 of a credential's value, base64url: by it a value is found again that a caller brings back.
 *
 * Without a key, since WeChat's values are random texts of 86 characters and more: nobody finds one from its
 * hash, and nobody chooses one by the first bytes of its hash. A keyed hash would have to be made with each
 * of the keys that ENCRYPTION_PREVIOUS_KEYS may hold.
 */
export function valueHash(value: string): string {
  return hash('sha256', value, 'base64url');
}
