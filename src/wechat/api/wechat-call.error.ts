import { AppError } from '../../errors/app-error.js';
import type { FailureClass, TokenVerdict } from './errcode-table.js';

export interface WechatCallFailure {
  readonly failureClass: FailureClass;
  readonly errcode: number | null;
  readonly errmsg: string;
  readonly advice: string;
  readonly code: 'wechat_error' | 'wechat_unreachable' | 'wechat_timeout';
  readonly bytesSent: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly tokenIs?: TokenVerdict;
}

/**
 * A call to WeChat failed.
 *
 * It is built from safe fields alone and has no cause: the error of the HTTP library carries the URL, whose query holds
 * the AppSecret or a token, and the body.
 */
export class WechatCallError extends AppError {
  override readonly name = 'WechatCallError';
  /**
   * `wechat_error` where something answered, `wechat_unreachable` where nothing did, `wechat_timeout`
   * where no whole answer came in time.
   */
  declare readonly code: WechatCallFailure['code'];
  readonly failureClass: FailureClass;
  /** WeChat's errcode; null where no readable answer of WeChat came. */
  readonly errcode: number | null;
  /** WeChat's errmsg, or what happened in its place. One line, at most 300 characters, secrets of the call taken out. */
  readonly errmsg: string;
  /** What the operator should do. */
  readonly advice: string;
  /** False: WeChat got not one byte of the request. True: it may have got all of it. */
  readonly bytesSent: boolean;
  /** How long WeChat keeps refusing, where its errcode says so. */
  readonly retryAfterMs: number | undefined;
  /** What WeChat's answer says about the token that the call was made with. */
  readonly tokenIs: TokenVerdict;

  /** @param call method and path without the query, such as `GET /cgi-bin/token` */
  constructor(call: string, failure: WechatCallFailure) {
    const { code, errcode, errmsg, advice } = failure;
    const said = errcode === null ? errmsg : `errcode ${errcode}: ${errmsg}`;
    super(code, `${call} failed: ${said}. ${advice}`, { upstream: { errcode, errmsg, advice } });
    this.failureClass = failure.failureClass;
    this.errcode = errcode;
    this.errmsg = errmsg;
    this.advice = advice;
    this.bytesSent = failure.bytesSent;
    this.retryAfterMs = failure.retryAfterMs;
    this.tokenIs = failure.tokenIs ?? 'unknown';
  }
}
