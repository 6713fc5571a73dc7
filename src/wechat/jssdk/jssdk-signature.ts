import { createHash } from 'node:crypto';

export interface SignedPage {
  readonly ticket: string;
  readonly nonceStr: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** As the page's own `location.href.split('#')[0]` gives it, to the letter. */
  readonly url: string;
}

/**
 * What WeChat compares with its own: SHA-1 over the four in this order, nothing of them encoded.
 * @see https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html (appendix 1)
 */
export function jssdkSignature({ ticket, nonceStr, timestamp, url }: SignedPage): string {
  return createHash('sha1')
    .update(`jsapi_ticket=${ticket}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${url}`)
    .digest('hex');
}

/** The fragment never reaches a server, and is no part of what is signed. Nothing else is altered. */
export function withoutFragment(url: string): string {
  return url.split('#', 1)[0] ?? '';
}

/**
 * @param allowed host names in lower case; `*.example.com` stands for every name below it. None: any host
 * @param url an absolute one
 */
export function isHostAllowed(allowed: readonly string[], url: string): boolean {
  const { hostname } = new URL(url);
  return (
    allowed.length === 0 ||
    allowed.some((host) =>
      host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host,
    )
  );
}
