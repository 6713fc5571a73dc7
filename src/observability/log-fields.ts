import { describeError } from '../errors/describe-error.js';
import { isSecretName, REDACTED, scrubText } from '../errors/redaction.js';

const DEEPEST = 6;
const LONGEST_LIST = 100;

/**
 * What may be printed of something that was logged: plain data, errors by what is safe of them, and
 * nothing under a secret's name. An instance of a class shows its name only, since nobody looked through
 * its fields (a request, a configuration, an HTTP error) before it was logged.
 */
export function loggable(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    return scrubText(value);
  }
  if (typeof value === 'bigint') {
    return value.toString();
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    return `[${typeof value}]`;
  }
  return typeof value === 'object' && value !== null ? loggableObject(value, depth) : value;
}

function loggableObject(value: object, depth: number): unknown {
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
    return value.slice(0, LONGEST_LIST).map((item: unknown) => loggable(item, depth + 1));
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
      isSecretName(name) && holdsText(value) ? REDACTED : loggable(value, depth),
    ]),
  );
}

/** `tokens: 3` is a count and may be seen; a secret is text, bytes or something around them. */
function holdsText(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null);
}
