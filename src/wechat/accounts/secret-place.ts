import type { SealedPlace } from '../../encryption/keyring.js';

/** Where an AppSecret is sealed to: copied onto another account's row, it does not open. */
export function secretPlace(appId: string): SealedPlace {
  return { table: 'account', row: appId, column: 'secret' };
}
