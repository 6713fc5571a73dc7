import { AppError } from '../errors/app-error.js';

/** A statement that is not answered by then counts as lost; whether it took effect is unknown. */
export const STATEMENT_TIMEOUT_MS = 5_000;

/**
 * A failed or lost statement, reduced to what may be logged. The driver's error carries the SQL and its
 * bound values; those are dropped here, and nothing above this room ever sees them.
 */
export class DatabaseError extends AppError {
  override readonly name = 'DatabaseError';

  constructor(
    /** The driver's code (`SQLITE_BUSY`, `ECONNREFUSED`, `23505`), or `timeout`, or `not_connected`. */
    readonly driverCode: string,
    message: string,
  ) {
    super('database_unavailable', message);
  }
}

const UNIQUE_VIOLATIONS = new Set(['SQLITE_CONSTRAINT', '23505', 'ER_DUP_ENTRY']);

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof DatabaseError && UNIQUE_VIOLATIONS.has(error.driverCode);
}

export function toDatabaseError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) {
    return error;
  }
  const driverError = driverErrorOf(error);
  const code = codeOf(driverError);
  return new DatabaseError(code, `the database refused a statement (${code})${hintFor(code)}`);
}

function driverErrorOf(error: unknown): unknown {
  return isObject(error) && 'driverError' in error ? error.driverError : error;
}

function codeOf(error: unknown): string {
  if (isObject(error) && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  if (error instanceof Error) {
    return error.message === 'Query read timeout' ? 'timeout' : error.name;
  }
  return 'unknown';
}

const FOLDER_HINT = ': check that the folder of DATABASE_URL exists and may be written';

const HINTS: Readonly<Record<string, string>> = {
  SQLITE_CANTOPEN: FOLDER_HINT,
  ENOTDIR: FOLDER_HINT,
  EEXIST: FOLDER_HINT,
  EACCES: FOLDER_HINT,
  EPERM: FOLDER_HINT,
  EROFS: FOLDER_HINT,
  SQLITE_READONLY: ': the database file or its folder is read-only',
  SQLITE_FULL: ': the disk is full',
  SQLITE_IOERR: ': the disk does not answer as it should',
  SQLITE_BUSY: ': another process holds the file',
  SQLITE_NOTADB: ': the file is not a SQLite database',
  ECONNREFUSED: ': nothing listens at the address of DATABASE_URL',
  ENOTFOUND: ': the host of DATABASE_URL has no address',
  '28P01': ': the password of DATABASE_URL is wrong',
  '3D000': ': the database of DATABASE_URL does not exist',
  ER_ACCESS_DENIED_ERROR: ': the user or password of DATABASE_URL is wrong',
  ER_BAD_DB_ERROR: ': the database of DATABASE_URL does not exist',
};

function hintFor(code: string): string {
  return HINTS[code] ?? '';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
