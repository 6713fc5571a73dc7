import { escapeUnseen } from '../../errors/unseen-text.js';

const MAX_LENGTH = 300;

/** Fields of a query or a body whose values must never be seen: `secret`, `appsecret`, `access_token` and their kind. */
const SECRET_FIELD = /secret|token|ticket/i;

/** The values of a call that must not come back in an error, should WeChat echo them. */
export function secretsOf(
  ...parts: readonly (Readonly<Record<string, unknown>> | undefined)[]
): string[] {
  return parts
    .flatMap((part) => Object.entries(part ?? {}))
    .flatMap(([name, value]) =>
      SECRET_FIELD.test(name) && typeof value === 'string' && value !== ''
        ? [value, encodeURIComponent(value), new URLSearchParams({ value }).toString().slice(6)]
        : [],
    );
}

/** One line of at most 300 characters with no secret in it. Shortened last, so that no half of a secret is left. */
export function safeErrmsg(errmsg: string, secrets: readonly string[]): string {
  const oneLine = escapeUnseen(errmsg.replace(/[\p{Cc}\s]+/gu, ' ').trim());
  // The longest first: one secret may be the beginning of another.
  const longestFirst = [...secrets].sort((one, other) => other.length - one.length);
  const redacted = longestFirst.reduce(
    (text, secret) => text.replaceAll(secret, '[redacted]'),
    oneLine,
  );
  return redacted.length > MAX_LENGTH ? `${redacted.slice(0, MAX_LENGTH - 1)}…` : redacted;
}
