import type { ErrorCode } from '../../errors/app-error.js';
import { classify, type FailureClass } from '../api/errcode-table.js';

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

/** Of the classes of errcode-table.ts those that matter to a call. */
const CLASSES: Readonly<Partial<Record<FailureClass, ErrcodeClass>>> = {
  dead_credential: 'token',
  throttled: 'quota',
};

/** What an errcode means for a call and its metrics. Of an answer without one: `ok`. */
export function errcodeClass(errcode = 0): ErrcodeClass {
  return errcode === 0 ? 'ok' : (CLASSES[classify(errcode, 'api').failureClass] ?? 'other');
}
