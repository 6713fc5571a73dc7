import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { encryptionKey } from '../encryption/encryption-key.js';

/**
 * Writes a fresh encryption key as ENCRYPTION_KEY_FILE takes it, readable by its owner alone.
 * @returns the key's id, which is safe to show
 * @throws where the file is there already: it may hold the only copy of a key
 */
export function writeNewKey(file: string): string {
  const bytes = randomBytes(32);
  writeFileSync(file, `${bytes.toString('base64')}\n`, { flag: 'wx', mode: 0o600 });
  return encryptionKey(bytes).id;
}
