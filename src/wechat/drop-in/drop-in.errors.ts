import type { RefusalError, RefusalReason } from '../../access/refusals.js';
import type { ErrorCode } from '../../errors/app-error.js';

/**
 * What SDKs understand: WeChat's errcodes, in WeChat's words, which people search for. What to do here is
 * said behind them.
 */
const ERRMSG = {
  [-1]: 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40066: 'invalid url',
  40097: 'invalid args',
  40125: 'invalid appsecret',
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  42001: 'access_token expired',
  43001: 'require GET method',
  43002: 'require POST method',
  44002: 'empty post data',
  45002: 'content size out of limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  47001: 'data format error',
  48001: 'api unauthorized',
  85107: 'path is not on the allow list',
} as const;

export type DropInErrcode = keyof typeof ERRMSG;

/** An answer with an errcode of WeChat's. */
export class DropInError extends Error {
  override readonly name = 'DropInError';

  /** @param advice what to do about it here; never holds a secret or a token */
  constructor(
    readonly errcode: DropInErrcode,
    advice?: string,
  ) {
    super(advice === undefined ? ERRMSG[errcode] : `${ERRMSG[errcode]}: ${advice}`);
  }
}

/** The same for an account that there is not and one that the key may not see. */
export function noSuchAccount(): DropInError {
  return new DropInError(
    40013,
    'this key may not use that account, or this service does not have it',
  );
}

/** By why a key was not let through; total by type as well. */
const ERRCODE_OF_REFUSAL: Readonly<Record<RefusalReason, DropInErrcode>> = {
  no_key: 41004,
  differing_keys: 40125,
  unknown_key: 40125,
  expired_key: 40125,
  unknown_handle: 40001,
  limited_address: 45011,
  key_of_another_kind: 40125,
  missing_scope: 48001,
  account: 40013,
  account_disabled: 40013,
};

export function refusalOf({ reason, message }: RefusalError): DropInError {
  return reason === 'account'
    ? noSuchAccount()
    : new DropInError(ERRCODE_OF_REFUSAL[reason], message);
}

/** The service's own errors in WeChat's terms; total by type, so that a new code cannot be forgotten. */
export const ERRCODE_OF: Readonly<Record<ErrorCode, DropInErrcode>> = {
  validation_failed: 47001,
  unauthenticated: 40125,
  forbidden: 40013,
  gateway_refused: 85107,
  account_not_found: 40013,
  not_found: 40066,
  method_not_allowed: 40066,
  account_exists: -1,
  length_required: 45002,
  payload_too_large: 45002,
  unsupported_media_type: 47001,
  rate_limited: 45011,
  force_refresh_limited: 45011,
  // WeChat's own errcode for a call of ours must not look like one for the caller's: -1, and the words say it.
  internal_error: -1,
  wechat_error: -1,
  wechat_unreachable: -1,
  token_unavailable: -1,
  database_unavailable: -1,
  wechat_timeout: -1,
};
