import type { Keyring, SealedPlace } from '../encryption/keyring.js';
import { SealedValueError } from '../encryption/sealed-value.error.js';
import { StartError } from '../errors/fatal-errors.js';

const PLACE: SealedPlace = { table: 'key_check', row: '1', column: 'sealed' };
const PROOF = 'wechat-token-center';

/**
 * No configured key opens the database, or its key check was changed. Starting all the same would fetch new
 * tokens over the stored ones and leave every AppSecret unreadable, so the service stops instead.
 */
export class WrongKeyError extends StartError {
  override readonly name = 'WrongKeyError';
}

/**
 * Opens the database's one key-check row, or writes it into an empty database.
 * A row sealed with a previous key is sealed again with the current one.
 * @throws WrongKeyError that names the key ids, never a key
 */
export async function checkKeys(
  database: { query(sql: string): Promise<unknown> },
  keyring: Keyring,
): Promise<void> {
  const rows: unknown = await database.query('SELECT sealed FROM wtc_key_check WHERE id = 1');
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined;
  const fresh = keyring.seal(PROOF, PLACE);
  if (row === undefined) {
    await database.query(`INSERT INTO wtc_key_check (id, sealed) VALUES (1, '${fresh}')`);
    return;
  }
  if (keyIdThatOpens(keyring, row) !== keyring.currentKeyId) {
    await database.query(`UPDATE wtc_key_check SET sealed = '${fresh}' WHERE id = 1`);
  }
}

function keyIdThatOpens(keyring: Keyring, row: unknown): string {
  const sealed = sealedOf(row);
  try {
    const keyId = keyring.keyIdOf(sealed);
    if (!keyring.keyIds.includes(keyId)) {
      throw new WrongKeyError(
        `ENCRYPTION_KEY does not open this database: it is sealed with the key ${keyId}, ` +
          `configured are ${keyring.keyIds.join(', ')}. Put the right key into ENCRYPTION_KEY, ` +
          'or the old one into ENCRYPTION_PREVIOUS_KEYS.',
      );
    }
    keyring.open(sealed, PLACE);
    return keyId;
  } catch (error) {
    if (error instanceof SealedValueError) {
      throw new WrongKeyError(
        'The key check of this database (table wtc_key_check) was changed: it does not open, though its key is configured. ' +
          'Find out who wrote to the database, and restore it from a backup.',
      );
    }
    throw error;
  }
}

/** What is not even a text is taken for an empty one, which opens with no key. */
function sealedOf(row: unknown): string {
  const sealed =
    typeof row === 'object' && row !== null && 'sealed' in row ? row.sealed : undefined;
  return typeof sealed === 'string' ? sealed : '';
}
