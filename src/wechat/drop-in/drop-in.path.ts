/**
 * Which requests belong here: everything under /cgi-bin is answered as WeChat would. A path is looked at as
 * the router does, so that no spelling of it gets an answer in other words.
 */

/** `GET http://host/path`, which RFC 9112, 3.2.2 lets a client send. */
const ORIGIN = /^https?:\/\/[^/]*/i;

/** @param url of the request, as it came */
export function isDropInUrl(url: string): boolean {
  const [, segment = ''] = pathOf(url).split('/', 2);
  return decoded(segment) === 'cgi-bin' && pathOf(url).startsWith('/');
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
