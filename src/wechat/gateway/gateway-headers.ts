import type { IncomingHttpHeaders } from 'node:http';

/*
 * Which headers pass. All others stay behind: a caller's key and cookies are not WeChat's to see, and WeChat's cookies
 * and redirects not the caller's. `Accept-Encoding` is ours, since an answer must be readable to be looked into.
 */

const TO_WECHAT = new Set(['accept', 'accept-language', 'content-type']);
const FROM_WECHAT = new Set(['content-type', 'content-disposition']);
/** WeChat's signatures of requests and answers (API signature mode). */
const SIGNATURE = 'wechatmp-';

export function headersToWechat(
  headers: IncomingHttpHeaders,
  contentLength: number | undefined,
): Record<string, string> {
  return {
    ...passing(headers, TO_WECHAT),
    'accept-encoding': 'identity',
    'user-agent': 'wechat-token-center',
    ...(contentLength !== undefined && { 'content-length': String(contentLength) }),
  };
}

export function headersFromWechat(headers: IncomingHttpHeaders): Record<string, string> {
  return passing(headers, FROM_WECHAT);
}

function passing(headers: IncomingHttpHeaders, names: ReadonlySet<string>): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && (names.has(name) || name.startsWith(SIGNATURE))) {
      passed[name] = Array.isArray(value) ? value.join(', ') : value;
    }
  }
  return passed;
}
