import type { ErrorCode } from '../errors/app-error.js';

interface ErrorStatus {
  readonly status: number;
  /** One phrase for the kind of error, the same each time (RFC 9457, `title`). */
  readonly title: string;
}

/** Every code and its HTTP status; total by type, so that a new code cannot be forgotten. */
export const ERROR_STATUS: Readonly<Record<ErrorCode, ErrorStatus>> = {
  validation_failed: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'No valid key was sent' },
  forbidden: { status: 403, title: 'The key does not allow this' },
  gateway_refused: { status: 403, title: 'No rule of the client allows this call' },
  account_not_found: { status: 404, title: 'No such account' },
  not_found: { status: 404, title: 'No such path or item' },
  method_not_allowed: { status: 405, title: 'The path does not know this method' },
  account_exists: { status: 409, title: 'The account exists already' },
  length_required: { status: 411, title: 'The request has no Content-Length' },
  payload_too_large: { status: 413, title: 'The request body is too large' },
  unsupported_media_type: { status: 415, title: 'The request body is not JSON' },
  rate_limited: { status: 429, title: 'Too many requests' },
  force_refresh_limited: { status: 429, title: 'Too many forced refreshes' },
  internal_error: { status: 500, title: 'The service failed' },
  wechat_error: { status: 502, title: 'WeChat answered with an error' },
  wechat_unreachable: { status: 502, title: 'WeChat could not be reached' },
  token_unavailable: { status: 503, title: 'No usable token' },
  database_unavailable: { status: 503, title: 'The database does not answer' },
  wechat_timeout: { status: 504, title: 'WeChat did not answer in time' },
};

/**
 * The `type` of a problem: a reference, relative to the service, to the page that lists every code.
 * It is an identifier that clients may compare; `code` says the same in one word.
 */
export function problemType(code: ErrorCode): string {
  return `/docs#${code}`;
}
