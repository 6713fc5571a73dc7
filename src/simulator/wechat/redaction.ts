import { tagOf } from './credential-text.js';

/** Parameters whose value is a credential, whatever it looks like. */
const CREDENTIALS = new Set([
  'access_token',
  'appsecret',
  'component_access_token',
  'refresh_token',
  'secret',
]);

/** Headers whose value is a credential of the caller's. None of them is WeChat's business. */
const CREDENTIAL_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key']);

const TOKENS = /\d+_[A-Za-z0-9_-]{50,500}/g;

/**
 * A query as it came, save that each credential is its tag in brackets: `access_token=[0255dc9732f3]`.
 * What is secret is replaced in any other place too.
 */
export function redactedQuery(query: string, secrets: readonly string[]): string {
  const pairs = query.split('&').map((pair) => {
    const end = pair.indexOf('=');
    const name = end === -1 ? pair : pair.slice(0, end);
    const value = end === -1 ? '' : pair.slice(end + 1);
    return value !== '' && CREDENTIALS.has(decoded(name))
      ? `${name}=${bracketed(decoded(value))}`
      : pair;
  });
  return redactedText(pairs.join('&'), secrets);
}

/** Names in lower case. A header that came more than once is joined as Node joins it. */
export function redactedHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  secrets: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
      const shown = CREDENTIAL_HEADERS.has(name) ? bracketed(text) : redactedText(text, secrets);
      return [name, shown];
    }),
  );
}

function redactedText(text: string, secrets: readonly string[]): string {
  const withoutTokens = text.replace(TOKENS, bracketed);
  return secrets
    .filter((secret) => withoutTokens.includes(secret))
    .reduce((left, secret) => left.replaceAll(secret, bracketed(secret)), withoutTokens);
}

function bracketed(credential: string): string {
  return `[${tagOf(credential)}]`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
