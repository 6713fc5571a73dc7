import { newRid } from './credential-text.js';

/** WeChat's own words, where they are known. The simulator says them, and a fault without words does. */
const ERRMSG: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40004: 'invalid media type',
  40007: 'invalid media_id',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40030: 'invalid refresh_token',
  40037: 'invalid template_id',
  40066: 'invalid url',
  40097: 'invalid args',
  40125: 'invalid appsecret',
  40159: 'invalid length for path, or the data is not json string',
  40163: 'code been used',
  40169: 'invalid length for scene, or the data is not json string',
  40243: 'appsecret is frozen',
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  41005: 'media data missing',
  41008: 'missing code',
  42001: 'access_token expired',
  43001: 'require GET method',
  43002: 'require POST method',
  43101: 'user refuse to accept the msg',
  44002: 'empty post data',
  45001: 'media size out of limit',
  45002: 'content size out of limit',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  47001: 'data format error',
  48001: 'api unauthorized',
  48004: 'api forbidden for irregularities',
  50002: 'user limited',
  50004: 'user not allow to use accesstoken, maybe for punishment',
  50007: 'account is frozen',
  61024: 'this api needs the token of the third-party platform',
  89501: 'this ip is waiting for the confirmation of the administrator',
  89503: 'this ip needs the confirmation of the administrator',
  89506: 'the administrator refused this ip twice, it is blocked for 24 hours',
  89507: 'the administrator refused this ip, it is blocked for 1 hour',
};

function errmsgOf(errcode: number): string {
  return ERRMSG[errcode] ?? 'simulated error';
}

/** What WeChat answers with HTTP 200 and an errcode. */
export class WechatError extends Error {
  override readonly name = 'WechatError';

  constructor(
    readonly errcode: number,
    readonly errmsg: string = errmsgOf(errcode),
  ) {
    super(`${errcode} ${errmsg}`);
  }
}

/** Every errmsg ends in the id of the request. */
export function errorBody(error: WechatError, nowMs: number): { errcode: number; errmsg: string } {
  return { errcode: error.errcode, errmsg: `${error.errmsg} rid: ${newRid(nowMs)}` };
}

/** What WeChat would say to this very call; some errmsgs tell of it. */
export function wechatErrorFor(errcode: number, call: { path: string; ip: string }): WechatError {
  if (errcode === 40164) {
    return ipNotAllowed(call.ip);
  }
  return errcode === 45009 ? dailyQuotaSpent(call.path) : new WechatError(errcode);
}

/** 40164 tells the address that WeChat saw, once plainly and once mapped into IPv6. */
function ipNotAllowed(ip: string): WechatError {
  const mapped = ip.includes(':') ? ip : `::ffff:${ip}`;
  return new WechatError(40164, `invalid ip ${ip} ipv6 ${mapped}, not in whitelist`);
}

/** On the legacy token call, 45009 recommends the stable one. */
function dailyQuotaSpent(path: string): WechatError {
  const advice =
    path === '/cgi-bin/token'
      ? ', could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r'
      : '';
  return new WechatError(45009, errmsgOf(45009) + advice);
}
