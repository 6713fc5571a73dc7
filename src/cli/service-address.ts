import { isIP } from 'node:net';
import { UsageError } from './exit.js';

/**
 * Where requests go to, without a slash at its end.
 * @param mayBePlain whether the key may travel over plain http to another machine
 * @throws UsageError
 */
export function serviceAddress(text: string, mayBePlain: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search + url.hash !== '') {
    throw new UsageError(
      'The address of the service is not valid. Write such as https://tokens.example.com or http://127.0.0.1:3000.',
    );
  }
  if (url.username + url.password !== '') {
    throw new UsageError(
      'The address of the service holds a user name or a password. Leave them out.',
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !mayBePlain) {
    throw new UsageError(
      `Nothing was sent: the key would travel unencrypted to ${url.hostname}. Use https, or repeat with --allow-http if the network between is trusted.`,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** `hostname` as the URL parser leaves it: lower case, an IPv4 address in four parts, IPv6 in brackets. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    (isIP(hostname) === 4 && hostname.startsWith('127.'))
  );
}
