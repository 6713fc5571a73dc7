import type { CredentialEntity } from './credential.entity.js';

/**
 * Brought along while WeChat could not be asked about it, and not asked about since. The row says so by a
 * suspicion that no fetch stands behind: each of those counts an unknown outcome.
 */
export function isUnproved(row: Pick<CredentialEntity, 'suspectAt' | 'unknownOutcomes'>): boolean {
  return row.suspectAt !== null && row.unknownOutcomes === 0;
}
