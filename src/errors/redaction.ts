/**
 * Which names hold secrets, and how text that may quote one is cleaned. A last net under the rule that
 * no secret is handed to a log or an error in the first place.
 */
export const REDACTED = '[redacted]';

const SECRET_NAME =
  /(?:authorization|cookie|passw(?:or)?d|passphrase|secret|token|ticket|apikey)s?$|(?:^|_)(?:keys?|session)$/;

/** `access_token`, `appsecret`, `X-API-Key`, `adminKey`: yes. `key_id`, `token_version`: no. */
export function isSecretName(name: string): boolean {
  const snakeCase = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
  return SECRET_NAME.test(snakeCase);
}

const QUERY_PAIR = /([\w-]{1,64})=([^&\s"'<>]+)/g;
const JSON_PAIR = /(["'])([\w-]{1,64})\1(\s{0,4}:\s{0,4})(["'])(?:(?!\4).)*\4/g;
/** A key of a client, or a handle, wherever it stands: nothing else begins like it. */
const CLIENT_KEY = /\b(wtc_)[0-9A-Za-z]{20,}/g;
const HANDLE = /\b(wtch_)[\w-]{20,}/g;
const BEARER = /\b(bearer|basic) +[\w.~+/=-]{12,}/gi;
const URL_USER = /([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@]{1,256}@/gi;

/** Text without the values of secret-named pairs, bearer keys and the passwords of URLs. */
export function scrubText(text: string): string {
  return text
    .replace(URL_USER, `$1${REDACTED}@`)
    .replace(CLIENT_KEY, `$1${REDACTED}`)
    .replace(HANDLE, `$1${REDACTED}`)
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(QUERY_PAIR, (pair: string, name: string) =>
      isSecretName(name) ? `${name}=${REDACTED}` : pair,
    )
    .replace(JSON_PAIR, (pair: string, quote: string, name: string, colon: string) =>
      isSecretName(name) ? `${quote}${name}${quote}${colon}${quote}${REDACTED}${quote}` : pair,
    );
}
