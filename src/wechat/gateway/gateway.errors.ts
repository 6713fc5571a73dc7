import { AppError } from '../../errors/app-error.js';
import { safeCode } from '../api/http-exchange.js';
import type { EndReason } from './call-end.js';
import { AnswerTooLargeError } from './upstream-answer.js';

/** No host of WeChat's got a byte. @param reasons by host, safe words alone */
export function callNotSent(reasons: readonly string[]): AppError {
  return new AppError(
    'wechat_unreachable',
    `WeChat could not be reached, and nothing was sent: ${reasons.join('; ')}. Repeat the call. If it fails again, check the network to the hosts of WECHAT_API_BASE_URL, or HTTPS_PROXY.`,
    { sent: false },
  );
}

/**
 * The call ended without a whole answer.
 * @param sent whether WeChat may have got it
 */
export function callBroken(error: unknown, reason: EndReason | undefined, sent: boolean): AppError {
  const next = sent
    ? 'WeChat may have carried it out: look before you repeat it.'
    : 'Nothing was sent: repeat the call.';
  if (error instanceof AnswerTooLargeError) {
    return new AppError(
      'wechat_error',
      `WeChat's answer is larger than GATEWAY_MAX_BODY_MB allows. ${next}`,
      { sent },
    );
  }
  if (reason !== undefined) {
    return new AppError(
      'wechat_timeout',
      `Nothing moved between the caller, this service and WeChat for GATEWAY_TIMEOUT_MS. ${next}`,
      { sent },
    );
  }
  const isAnswer = /^(?:HPE_|UND_ERR_(?:RES|HEADERS))/.test(safeCode(error));
  return new AppError(
    isAnswer ? 'wechat_error' : 'wechat_unreachable',
    `The connection to WeChat broke before the answer was complete. ${next}`,
    { sent },
  );
}
