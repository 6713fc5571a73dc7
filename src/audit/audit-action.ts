/** What an admin may do. The rows keep these names, and `?action=` asks for them. */
export const AUDITED_ACTIONS = [
  'account.create',
  'account.update',
  'account.delete',
  'token.refresh',
  'client.create',
  'client.update',
  'client.delete',
  'key.create',
  'key.revoke',
] as const;

export type AuditedAction = (typeof AUDITED_ACTIONS)[number];
