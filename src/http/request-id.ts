import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { scrubText } from '../errors/redaction.js';

export const REQUEST_ID_HEADER = 'x-request-id';
/** Of this process: with a count behind it an id is unique, and costs a tenth of a random one. */
const PREFIX = randomBytes(9).toString('base64url');
let count = 0;

/** What may stand in a log line and a header without being escaped. */
const SANE = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * The caller's X-Request-Id where it is sane, else one made here: also for one that holds a key, since it is logged.
 * @param secrets keys of the environment
 */
export function requestIdOf(
  request: Pick<IncomingMessage, 'headers'>,
  secrets: readonly string[] = [],
): string {
  const given = request.headers[REQUEST_ID_HEADER];
  const isTaken =
    typeof given === 'string' &&
    SANE.test(given) &&
    scrubText(given) === given &&
    !secrets.some((secret) => given.includes(secret));
  return isTaken ? given : nextRequestId();
}

export function nextRequestId(): string {
  count += 1;
  return `${PREFIX}-${count.toString(36)}`;
}
