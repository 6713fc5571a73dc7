import { isIP } from 'node:net';
import { z } from 'zod';

/** `WECHAT_API_BASE_URL`: origins without a trailing slash, in the order given. */
export const baseUrls = z.string().transform((value, context) => {
  const origins: string[] = [];
  const entries = value
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  for (const [index, entry] of entries.entries()) {
    const result = originOf(entry);
    if ('problem' in result) {
      context.addIssue(`entry ${index + 1} ${result.problem}`);
    } else if (origins.includes(result.origin)) {
      context.addIssue(`entry ${index + 1} stands there twice. Remove one of the two.`);
    } else {
      origins.push(result.origin);
    }
  }
  if (entries.length === 0) {
    context.addIssue('holds no address. Leave it unset for the hosts of WeChat.');
  }
  return origins;
});

/** `HTTPS_PROXY`, as curl takes it: a host without a scheme is an http proxy. */
export const proxyUrl = z.string().transform((value, context) => {
  const url = parseUrl(value.includes('://') ? value : `http://${value}`);
  if (
    url === undefined ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.hostname === '' ||
    url.pathname !== '/' ||
    `${url.search}${url.hash}` !== '' ||
    !isDecodable(`${url.username}${url.password}`)
  ) {
    context.addIssue(
      'is not the address of an HTTP proxy. Write http://host:port or http://user:password@host:port, special characters of the password percent-encoded.',
    );
    return z.NEVER;
  }
  return url.href.replace(/\/$/, '');
});

function originOf(entry: string): { origin: string } | { problem: string } {
  const url = parseUrl(entry);
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    return { problem: 'is not an https:// address. Write such as https://api.weixin.qq.com.' };
  }
  if (url.username !== '' || url.password !== '') {
    return { problem: 'holds a user name or a password. Remove it.' };
  }
  // A lone ? or # leaves search and hash empty, so the text is looked at as well.
  if (url.pathname !== '/' || /[?#]/.test(entry)) {
    return {
      problem: 'has a path, a query or a fragment. Write the scheme, the host and the port only.',
    };
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return {
      problem:
        'is plain http: for a host other than this machine. The AppSecret travels in it: use https.',
    };
  }
  return { origin: url.origin };
}

/** `hostname` as the URL parser leaves it: lower case, an IPv4 address in four parts, IPv6 in brackets. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    (isIP(hostname) === 4 && hostname.startsWith('127.'))
  );
}

function parseUrl(value: string): URL | undefined {
  try {
    return new URL(value);
  } catch {
    return undefined;
  }
}

function isDecodable(value: string): boolean {
  try {
    decodeURIComponent(value);
    return true;
  } catch {
    return false;
  }
}
