import { AppError } from '../errors/app-error.js';

/** Why somebody was not let through: for metrics. The answer tells less. */
export const REFUSAL_REASONS = [
  'no_key',
  'differing_keys',
  'unknown_key',
  'expired_key',
  /** A handle with a wrong signature, an expired one, or one whose key was revoked. */
  'unknown_handle',
  /** A valid key, from an address with too many failed authentications. */
  'limited_address',
  /** The admin's key where a client's is wanted, or the other way round. */
  'key_of_another_kind',
  'missing_scope',
  'account',
  /** The key may use the account, which is switched off. */
  'account_disabled',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export class RefusalError extends AppError {
  override readonly name = 'RefusalError';

  constructor(
    code: 'unauthenticated' | 'forbidden' | 'rate_limited',
    readonly reason: RefusalReason,
    detail: string,
    options: { readonly retryAfterSeconds?: number } = {},
  ) {
    super(code, detail, options);
  }
}

/** No such key, or one that has expired or was withdrawn: which of them is not told. */
export function unknownKey(reason: 'unknown_key' | 'expired_key'): RefusalError {
  return new RefusalError(
    'unauthenticated',
    reason,
    'This key is unknown or no longer valid. Check it for a typing error, or ask the operator for a new one.',
  );
}

/**
 * A client's key and an account that it may not use, or that does not exist: the answer is the same, so
 * that a key cannot be used to find out which accounts there are. Features throw it for unknown accounts.
 */
export function accountRefused(): RefusalError {
  return new RefusalError(
    'forbidden',
    'account',
    'This key may not use that account, or there is no such account. Check the AppID in the path, or ask the operator to add the account to the key.',
  );
}

/** For a key that may use the account: what is wrong with it, and who can change that. */
export function accountDisabled(appId: string): RefusalError {
  return new RefusalError(
    'forbidden',
    'account_disabled',
    `This account is switched off. Ask an admin to switch it on: PATCH /v1/admin/accounts/${appId} with "enabled": true.`,
  );
}
