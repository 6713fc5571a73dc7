import type { UpstreamProblem } from '../../errors/app-error.js';
import type { FailureClass } from '../api/errcode-table.js';
import { WechatCallError } from '../api/wechat-call.error.js';

/** What a failed attempt leaves in the row: safe to show to an operator. */
export interface RefreshFailure {
  readonly failureClass: FailureClass;
  /** The contract's code, or `same_value` when WeChat returned a value that it refuses. */
  readonly code: WechatCallError['code'] | 'same_value' | 'internal_error';
  readonly errcode: number | null;
  readonly errmsg: string;
  readonly advice: string;
  /** Milliseconds since 1970 by the database's clock. */
  readonly atMs: number;
  /** Failures of this class in a row, this one included. */
  readonly streak: number;
}

/** WeChat returned the value that it had refused: an unforced fetch will not help again soon. */
export class SameValueError extends Error {
  override readonly name = 'SameValueError';
}

export function describeFailure(
  error: unknown,
  previous: RefreshFailure | undefined,
  atMs: number,
): RefreshFailure {
  const facts = factsOf(error);
  const streak = previous?.failureClass === facts.failureClass ? previous.streak + 1 : 1;
  return { ...facts, atMs, streak };
}

function factsOf(error: unknown): Omit<RefreshFailure, 'atMs' | 'streak'> {
  if (error instanceof WechatCallError) {
    const { failureClass, code, errcode, errmsg, advice } = error;
    return { failureClass, code, errcode, errmsg, advice };
  }
  if (error instanceof SameValueError) {
    return {
      failureClass: 'transient',
      code: 'same_value',
      errcode: null,
      errmsg: 'WeChat returned again the value that it refuses',
      advice: 'A forced refresh follows by itself as far as its quota allows.',
    };
  }
  // Anything else happened on our side before a call, such as an AppSecret that no key opens.
  return {
    failureClass: 'operator',
    code: 'internal_error',
    errcode: null,
    errmsg: error instanceof Error ? error.message : 'unknown error',
    advice:
      'Nothing was sent to WeChat. Mend what the message says; the next attempt is automatic.',
  };
}

/** Reads a row's `last_error`. It was written by this service, so only its presence is checked. */
export function parseFailure(lastError: string | null): RefreshFailure | undefined {
  return lastError === null ? undefined : (JSON.parse(lastError) as RefreshFailure);
}

/** As an answer tells it. */
export function upstreamOf(failure: RefreshFailure): UpstreamProblem {
  const { errcode, errmsg, advice } = failure;
  return { errcode, errmsg, advice };
}
