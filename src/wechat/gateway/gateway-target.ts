/*
 * What a caller asks WeChat for, as it stands in the URL: nothing is decoded and encoded again, since some of
 * WeChat's APIs carry a signature over path and query.
 */

/** Where in WeChat's API a call goes. Both parts are as they came. */
export interface GatewayTarget {
  /** Begins with a slash. */
  readonly path: string;
  /** Without the question mark; it may hold secrets: never log it. */
  readonly query: string;
}

/** Calls under it carry a token of one user's, which is not ours to replace. */
export const USERS_PATHS = '/sns/';
/** `GET http://host/path`, which RFC 9112, 3.2.2 lets a client send. */
const ORIGIN = /^https?:\/\/[^/?]*/i;
const BY_KEY = /^\/v1\/accounts\/[^/]+\/gateway(?=\/)/;

/** @param url such as `/v1/accounts/wx…/gateway/cgi-bin/draft/add?…`. @returns undefined for any other one */
export function targetByKey(url: string): GatewayTarget | undefined {
  const { path, query } = split(url);
  const prefix = BY_KEY.exec(path)?.[0];
  return prefix === undefined ? undefined : { path: path.slice(prefix.length), query };
}

/** WeChat's own path under our host. SDKs put slashes at both ends where they join it to a base URL. */
export function targetByHandle(url: string): GatewayTarget {
  const { path, query } = split(url);
  return { path: path.replace(/^\/+/, '/').replace(/(?<=.)\/$/, ''), query };
}

/** The decoded values of a parameter, in their order. */
export function parametersOf({ query }: GatewayTarget, name: string): string[] {
  return query
    .split('&')
    .filter((part) => nameOf(part) === name)
    .map((part) => decoded(part.includes('=') ? part.slice(part.indexOf('=') + 1) : ''));
}

/** For the request line: whatever the caller put in the place of the token goes, and ours stands once. */
export function withAccessToken({ path, query }: GatewayTarget, token: string): string {
  const others = query.split('&').filter((part) => nameOf(part) !== 'access_token');
  const ours = `access_token=${encodeURIComponent(token)}`;
  return `${path}?${query === '' ? ours : [ours, ...others].join('&')}`;
}

/** For the request line: the value of one parameter replaced where it stands. */
export function withParameter({ path, query }: GatewayTarget, name: string, value: string): string {
  const parts = query
    .split('&')
    .map((part) => (nameOf(part) === name ? `${name}=${encodeURIComponent(value)}` : part));
  return `${path}?${parts.join('&')}`;
}

/** For the request line, as it came. */
export function untouched({ path, query }: GatewayTarget): string {
  return query === '' ? path : `${path}?${query}`;
}

function split(url: string): GatewayTarget {
  const local = url.replace(ORIGIN, '');
  const at = local.indexOf('?');
  return at < 0
    ? { path: local, query: '' }
    : { path: local.slice(0, at), query: local.slice(at + 1) };
}

function nameOf(part: string): string {
  return decoded(part.split('=', 1)[0] ?? '');
}

/** Leaves what does not decode as it is: another server may read it so. */
function decoded(text: string): string {
  const bytes = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(bytes);
  } catch {
    return bytes.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
  }
}
