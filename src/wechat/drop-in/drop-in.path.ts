/**
 * Which requests are answered as WeChat would: all under /cgi-bin and /sns, and whatever else shows a handle
 * at a path that is not the service's own. A path is looked at as the router does, so that no spelling of it gets an
 * answer in other words.
 */

/** The one method of each path, as WeChat has it. */
const METHODS: Readonly<Record<string, 'GET' | 'POST'>> = {
  '/cgi-bin/token': 'GET',
  '/cgi-bin/stable_token': 'POST',
  '/cgi-bin/getcallbackip': 'GET',
  '/cgi-bin/get_api_domain_ip': 'GET',
  '/cgi-bin/ticket/getticket': 'GET',
  '/sns/jscode2session': 'GET',
  '/sns/oauth2/access_token': 'GET',
};

/** `GET http://host/path`, which RFC 9112, 3.2.2 lets a client send. */
const ORIGIN = /^https?:\/\/[^/]*/i;

/** First segments of paths. WeChat has others besides: `wxa`, `datacube`, … */
const WECHATS = new Set(['cgi-bin', 'sns']);
const OURS = new Set(['', 'v1', 'docs', 'openapi.json', 'healthz', 'readyz', 'metrics', 'console']);
const SHOWS_HANDLE = /[?&]access_token=wtch_/;

/** @param url of the request, as it came */
export function isDropInUrl(url: string): boolean {
  const [, first = ''] = /^\/+([^/]*)/.exec(pathOf(url)) ?? [];
  const segment = decoded(first);
  return WECHATS.has(segment) || (!OURS.has(segment) && SHOWS_HANDLE.test(url));
}

/**
 * The URL without the slashes that SDKs add when they put a base URL and a path together (`//cgi-bin/token`,
 * `/cgi-bin/token/`). URLs of other places stay as they came.
 */
export function withoutExtraSlashes(url: string): string {
  if (!isDropInUrl(url)) {
    return url;
  }
  const path = pathOf(url);
  const pathAt = url.indexOf(path, ORIGIN.exec(url)?.[0].length ?? 0);
  const plain = path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  return url.slice(0, pathAt) + plain + url.slice(pathAt + path.length);
}

/** With which method one of the service's own paths among WeChat's is called; undefined for all others. */
export function dropInMethod(url: string): 'GET' | 'POST' | undefined {
  return METHODS[decoded(pathOf(url))];
}

function pathOf(url: string): string {
  return url.replace(ORIGIN, '').split(/[?#]/, 1)[0] ?? '';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
