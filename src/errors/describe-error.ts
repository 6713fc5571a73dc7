import { scrubText } from './redaction.js';

/** What may be logged of an error: never its own fields, which hold SQL values, URLs or headers. */
export interface ErrorDescription {
  name: string;
  /** Absent where the message may quote a value: errors of the database, of HTTP calls and of parsers. */
  message?: string;
  /** `ECONNREFUSED`, `SQLITE_BUSY`, `23505`, … */
  code?: string;
  /** Where the message is withheld, only the frames. */
  stack?: string;
  cause?: ErrorDescription;
}

/**
 * Fields by which TypeORM, the database drivers and axios show that an error carries the statement, its
 * bound values, or the request with its URL and headers. Their messages may quote the same.
 */
const CARRIERS = ['query', 'parameters', 'driverError', 'sql', 'internalQuery', 'config'];
const DEEPEST_CAUSE = 3;

export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) {
    return typeof error === 'string'
      ? { name: 'string', message: scrubText(error) }
      : { name: error === null ? 'null' : typeof error };
  }
  const code = codeOf(error);
  const cause = error.cause !== undefined && depth < DEEPEST_CAUSE;
  return {
    name: error.name,
    ...(code !== undefined && { code }),
    ...(quotesValues(error)
      ? { stack: framesOf(error) }
      : { message: scrubText(error.message), stack: scrubText(error.stack ?? '') }),
    ...(cause && { cause: describeError(error.cause, depth + 1) }),
  };
}

/** A SyntaxError of JSON.parse quotes the text that it could not read. */
function quotesValues(error: Error): boolean {
  return error instanceof SyntaxError || CARRIERS.some((field) => field in error);
}

function framesOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n');
  return lines.filter((line) => /^\s+at /.test(line)).join('\n');
}

function codeOf(error: object): string | undefined {
  if ('driverError' in error && typeof error.driverError === 'object' && error.driverError) {
    return codeOf(error.driverError);
  }
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined;
}
