import { describeError } from '../errors/describe-error.js';
import { isSecretName, REDACTED, scrubText } from '../errors/redaction.js';

/**
 * The names under which text is written. Under any other name it is redacted, since nobody has looked whether
 * it can hold a secret; numbers and the like are written under any name.
 */
const FIELDS = new Set(
  [
    // Which event, of whom.
    'event context request_id error_id app_id kind client replica key_id source_address',
    // What was done, and what came of it.
    'call cause code doing force forced from outcome rotated route to',
    'state status errcode reported_errcode version row_version duration_ms',
    // In words of this service, of a described error, or of WeChat after errmsg.ts has been over them.
    'advice detail err errmsg message msg name reason stack upstream',
    'accounts audit_id batches calls changed database dropped entries first host mode reads reports rows skew_ms table url variable',
  ].flatMap((names) => names.split(' ')),
);

/** Whether a field of a log line may hold text. */
export function isLogField(name: string): boolean {
  return FIELDS.has(name) && !isSecretName(name);
}

const DEEPEST = 6;
const LONGEST_LIST = 100;

/**
 * What may be printed of something that was logged: plain data, errors by what is safe of them, and
 * text under the names of a list alone. An instance of a class shows its name only, since nobody looked through
 * its fields (a request, a configuration, an HTTP error) before it was logged.
 */
export function loggable(value: unknown, depth = 0, mayBeText = true): unknown {
  if (typeof value === 'string') {
    return mayBeText ? scrubText(value) : REDACTED;
  }
  if (typeof value === 'bigint') {
    return value.toString();
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    return `[${typeof value}]`;
  }
  return typeof value === 'object' && value !== null
    ? loggableObject(value, depth, mayBeText)
    : value;
}

function loggableObject(value: object, depth: number, mayBeText: boolean): unknown {
  if (value instanceof Error) {
    return describeError(value);
  }
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  }
  if (depth >= DEEPEST) {
    return '[deep]';
  }
  if (Array.isArray(value)) {
    return value
      .slice(0, LONGEST_LIST)
      .map((item: unknown) => loggable(item, depth + 1, mayBeText));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return `[${value.constructor.name}]`;
  }
  return loggableFields(value, depth + 1);
}

function loggableFields(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      isSecretName(name) && holdsText(value) ? REDACTED : loggable(value, depth, isLogField(name)),
    ]),
  );
}

/** `tokens: 3` is a count and may be seen; a secret is text, bytes or something around them. */
function holdsText(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null);
}
