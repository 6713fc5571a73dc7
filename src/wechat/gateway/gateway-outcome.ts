import type { ErrorCode } from '../../errors/app-error.js';

/** What is known of how a call ended. */
export interface CallEnding {
  /** Of WeChat's answer. */
  readonly status?: number;
  readonly errcode?: number | undefined;
  /** The error that the caller got from this service in place of WeChat's answer. */
  readonly failure?: { readonly code: ErrorCode };
  /** Answered from memory, since the quota of the path is used up. */
  readonly isHeld?: boolean;
  /** The caller went away, or the answer broke off. */
  readonly isCut?: boolean;
}

/** Errors that are not the caller's. */
const FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'internal_error',
  'wechat_error',
  'wechat_unreachable',
  'wechat_timeout',
  'token_unavailable',
  'database_unavailable',
]);

/** What {@link outcomeOf} answers, as the audit wants them declared. */
export const CALL_OUTCOMES = [
  'ok',
  'held',
  'cut',
  'errcode:<code>',
  'status:<code>',
  'refused:<code>',
  'failed:<code>',
] as const;

/** For the audit: `ok`, WeChat's errcode or status, or why there is no whole answer of WeChat's. */
export function outcomeOf({ status = 0, errcode = 0, failure, isHeld, isCut }: CallEnding): string {
  if (isCut === true) {
    return 'cut';
  }
  if (failure !== undefined) {
    return `${FAILURES.has(failure.code) ? 'failed' : 'refused'}:${failure.code}`;
  }
  if (isHeld === true) {
    return 'held';
  }
  if (errcode !== 0) {
    return `errcode:${errcode}`;
  }
  return status >= 400 ? `status:${status}` : 'ok';
}

export type ErrcodeClass = 'ok' | 'token' | 'quota' | 'other';

/** The class of an errcode for metrics, where each value costs a series. Of an answer without one: `ok`. */
export function errcodeClass(errcode = 0): ErrcodeClass {
  switch (errcode) {
    case 0:
      return 'ok';
    case 40001:
    case 40014:
    case 42001:
      return 'token';
    case 45009:
    case 45011:
      return 'quota';
    default:
      return 'other';
  }
}
