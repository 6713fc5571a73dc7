import { type CallKind, classify } from './errcode-table.js';
import { safeErrmsg } from './errmsg.js';
import type { Answered, Failed } from './http-exchange.js';
import { type WechatAnswer, readAnswer } from './wechat-answer.js';
import { WechatCallError } from './wechat-call.error.js';

/** What is known of a call and may be shown, and what must not be. */
export interface CallFacts {
  /** Method and path without the query. */
  readonly name: string;
  readonly kind: CallKind;
  /** Values that may stand in no error. */
  readonly secrets: readonly string[];
}

const CHECK_BETWEEN =
  'Something between this service and WeChat may have answered in its place: check HTTPS_PROXY, WECHAT_API_BASE_URL and the network.';

/**
 * The answer of a call that succeeded.
 *
 * WeChat answers every error of an application with HTTP 200 and an errcode, so any other status is of something in
 * between or of a WeChat in trouble. A 5xx or an unreadable answer may hide a token that was minted.
 *
 * @throws WechatCallError
 */
export function acceptAnswer({ status, body }: Answered, call: CallFacts): WechatAnswer {
  if (status < 200 || status > 299) {
    throw new WechatCallError(call.name, {
      failureClass: status >= 500 ? 'unknown_outcome' : 'transient',
      errcode: null,
      errmsg: `HTTP ${status}`,
      advice: `WeChat itself answers with HTTP 200. ${CHECK_BETWEEN} It is tried again by itself.`,
      code: 'wechat_error',
      bytesSent: true,
    });
  }
  const read = readAnswer(body);
  if (read === undefined) {
    throw new WechatCallError(call.name, {
      failureClass: 'unknown_outcome',
      errcode: null,
      errmsg: `HTTP ${status} with an answer that is not a JSON object`,
      advice: `${CHECK_BETWEEN} It is tried again by itself.`,
      code: 'wechat_error',
      bytesSent: true,
    });
  }
  if (read.errcode === 0) {
    return read.answer;
  }
  throw new WechatCallError(call.name, {
    ...classify(read.errcode, call.kind, read.errmsg),
    errcode: read.errcode,
    errmsg: safeErrmsg(read.errmsg, call.secrets),
    code: 'wechat_error',
    bytesSent: true,
  });
}

/** The call ended without an answer after its request may have been sent, or because the caller gave it up. */
export function brokenOff({ bytesSent, cause, reason }: Failed, call: CallFacts): WechatCallError {
  const codes = {
    timeout: 'wechat_timeout',
    given_up: 'wechat_timeout',
    bad_answer: 'wechat_error',
    connection: 'wechat_unreachable',
  } as const;
  return new WechatCallError(call.name, {
    failureClass: bytesSent ? 'unknown_outcome' : 'transient',
    errcode: null,
    errmsg: reason,
    advice:
      cause === 'timeout'
        ? 'It is tried again by itself. If it repeats, look at the network to WeChat, or raise WECHAT_TIMEOUT_MS.'
        : 'It is tried again by itself. If it repeats, look at the network to WeChat and at HTTPS_PROXY.',
    code: codes[cause],
    bytesSent,
  });
}

/** No host got a byte. */
export function unreachable(reasons: readonly string[], call: CallFacts): WechatCallError {
  return new WechatCallError(call.name, {
    failureClass: 'transient',
    errcode: null,
    errmsg: reasons.length === 0 ? 'no time was left for the call' : reasons.join('; '),
    advice:
      'Nothing was sent. Check that this machine can resolve and reach the hosts of WECHAT_API_BASE_URL and trusts their certificates, or set HTTPS_PROXY. It is tried again by itself.',
    code: 'wechat_unreachable',
    bytesSent: false,
  });
}
