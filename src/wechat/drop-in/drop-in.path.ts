/**
 * Which requests belong here: everything under /cgi-bin is answered as WeChat would. A path is looked at as
 * the router does, so that no spelling of it gets an answer in other words.
 */

/** `GET http://host/path`, which RFC 9112, 3.2.2 lets a client send. */
const ORIGIN = /^https?:\/\/[^/]*/i;

/** @param url of the request, as it came */
export function isDropInUrl(url: string): boolean {
  const [, segment = ''] = /^\/+([^/]*)/.exec(pathOf(url)) ?? [];
  return decoded(segment) === 'cgi-bin';
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

/** The path without query or fragment, decoded; as it came where it does not decode. */
export function dropInPath(url: string): string {
  return decoded(pathOf(url));
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
