import type { Mode } from './terms.js';

export const FETCH_PATH: Readonly<Record<Mode, string>> = {
  legacy: '/cgi-bin/token',
  stable: '/cgi-bin/stable_token',
};

/** What the service calls to learn whether WeChat accepts a token. */
export const PROBE_PATHS = ['/cgi-bin/getcallbackip', '/cgi-bin/get_api_domain_ip'] as const;
