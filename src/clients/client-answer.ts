import type { ClientKeyEntity } from './client-key.entity.js';
import type { ClientAnswer, ClientKeyAnswer } from './client.dto.js';
import type { ClientEntity } from './client.entity.js';

type ShownClient = Pick<
  ClientEntity,
  'rowId' | 'name' | 'scopes' | 'accounts' | 'gateway' | 'expiresAt' | 'createdAt'
>;
type ShownKey = Pick<
  ClientKeyEntity,
  'id' | 'clientRowId' | 'name' | 'createdAt' | 'lastUsedAt' | 'expiresAt'
>;

/** A client as an admin sees it. @param keys of this client, or of others as well */
export function describeClient(
  id: string,
  row: ShownClient,
  keys: readonly ShownKey[],
): ClientAnswer {
  return {
    id,
    name: row.name,
    scopes: row.scopes,
    accounts: row.accounts,
    gateway: { allow: [...row.gateway.allow], per_minute: row.gateway.perMinute },
    expires_at: isoTime(row.expiresAt),
    created_at: new Date(row.createdAt).toISOString(),
    keys: keys.filter(({ clientRowId }) => clientRowId === row.rowId).map(describeKey),
  };
}

/** All but the key, of which nothing is kept. */
export function describeKey(row: ShownKey): ClientKeyAnswer {
  return {
    id: row.id,
    name: row.name,
    created_at: new Date(row.createdAt).toISOString(),
    last_used_at: isoTime(row.lastUsedAt),
    expires_at: isoTime(row.expiresAt),
  };
}

function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
