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

/**
 * The database took the statement and not a value in it: too long, or characters that it cannot hold. The database
 * is well, so it is a fault of ours and no outage. The driver's words are dropped, since they quote the value.
 */
export class DataError extends AppError {
  override readonly name = 'DataError';

  constructor(readonly driverCode: string) {
    super('internal_error', `the database refused a value (${driverCode})`);
  }
}

const UNIQUE_VIOLATIONS = new Set(['SQLITE_CONSTRAINT', '23505', 'ER_DUP_ENTRY']);

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof DatabaseError && UNIQUE_VIOLATIONS.has(error.driverCode);
}

export function toDatabaseError(error: unknown): DatabaseError | DataError {
  if (error instanceof DatabaseError || error instanceof DataError) {
    return error;
  }
  const code = codeOf(driverErrorOf(error));
  if (isAboutData(code)) {
    return new DataError(code);
  }
  const [reason, remedy] = WORDS[code] ?? OTHER;
  return new DatabaseError(code, `${reason} (${code}); ${remedy}`);
}

function driverErrorOf(error: unknown): unknown {
  return isObject(error) && 'driverError' in error ? error.driverError : error;
}

/** Errors that the drivers make themselves carry no code; what they say is fixed. */
const CODES_BY_MESSAGE: Readonly<Record<string, string>> = {
  'Query read timeout': 'timeout',
  'timeout expired': 'timeout',
  'timeout exceeded when trying to connect': 'timeout',
  'The server does not support SSL connections': 'no_tls',
  'Connection terminated unexpectedly': 'ECONNRESET',
};

function codeOf(error: unknown): string {
  if (isObject(error) && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return error instanceof Error ? (CODES_BY_MESSAGE[error.message] ?? error.name) : 'unknown';
}

const DATA_ERRORS = new Set([
  ...['ER_DATA_TOO_LONG', 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD', 'ER_WARN_DATA_OUT_OF_RANGE'],
  ...['ER_INVALID_CHARACTER_STRING', 'ER_CANNOT_CONVERT_STRING', 'WARN_DATA_TRUNCATED'],
  ...['SQLITE_TOOBIG', 'SQLITE_MISMATCH', 'SQLITE_RANGE'],
]);

/** SQLSTATE class 22 is "data exception" (PostgreSQL, appendix A). */
function isAboutData(code: string): boolean {
  return DATA_ERRORS.has(code) || /^22[0-9A-Z]{3}$/.test(code);
}

type Words = readonly [reason: string, remedy: string];

const OTHER: Words = ['the database refused a statement', "look into the database's log"];
const FOLDER: Words = [
  'the folder of DATABASE_URL is missing or not writable',
  'create it, and let the user of the service write to it',
];
const WRONG_LOGIN: Words = [
  'the database refused the user or password of DATABASE_URL',
  'correct them there; special characters of a password are percent-encoded',
];
const NOT_ALLOWED: Words = [
  'the user of DATABASE_URL may not log in to this database from here',
  "allow it (PostgreSQL: pg_hba.conf; MySQL: the user's host), and read the database's log",
];
const NO_DATABASE: Words = ['the database of DATABASE_URL does not exist', 'create it'];
const NO_RIGHTS: Words = [
  'the user of DATABASE_URL lacks rights in the database',
  'make it the owner of the database, or grant it all on it (PostgreSQL 15 and newer: GRANT CREATE, USAGE ON SCHEMA public)',
];
const FULL: Words = ['the server accepts no more connections', 'raise its limit or stop others'];
const READ_ONLY: Words = [
  'the database accepts no writes',
  'name the primary and not a replica in DATABASE_URL, or end its read-only mode',
];
const DISK_FULL: Words = ['the disk of the database is full', 'make room'];
const NO_SERVER: Words = [
  'no database server answers at the address of DATABASE_URL',
  'check host and port, that it runs, and the firewall between',
];
const NO_NAME: Words = ['the host of DATABASE_URL has no address', 'correct it, or the DNS'];
const LOST: Words = ['the connection to the database broke', 'it is opened again automatically'];
const CERTIFICATE: Words = [
  "the database's TLS certificate was not accepted",
  'give its authority with sslrootcert in DATABASE_URL (PostgreSQL) or NODE_EXTRA_CA_CERTS, or renew it',
];
const NO_TLS: Words = [
  'DATABASE_URL requires TLS and the server has none',
  'switch TLS on there, or take sslmode (ssl) out of DATABASE_URL',
];
const CORRUPT: Words = [
  'the file of DATABASE_URL is not a sound SQLite database',
  'restore a backup, or name another file',
];
const BUSY: Words = ['another process holds the database', 'wait, or end the other process'];

/** What a code means and how it is mended; codes of Node, PostgreSQL (SQLSTATE), MySQL and SQLite. */
const WORDS: Readonly<Partial<Record<string, Words>>> = {
  SQLITE_CANTOPEN: FOLDER,
  SQLITE_PERM: FOLDER,
  ENOTDIR: FOLDER,
  ENOENT: FOLDER,
  EEXIST: FOLDER,
  EACCES: FOLDER,
  EPERM: FOLDER,
  EROFS: FOLDER,
  SQLITE_READONLY: [
    'the database accepts no writes',
    'let the user of the service write to the file and its folder',
  ],
  SQLITE_FULL: DISK_FULL,
  SQLITE_IOERR: ['the disk of the database does not answer as it should', 'check it'],
  SQLITE_BUSY: BUSY,
  SQLITE_LOCKED: BUSY,
  SQLITE_NOTADB: CORRUPT,
  SQLITE_CORRUPT: CORRUPT,

  ECONNREFUSED: NO_SERVER,
  EHOSTUNREACH: NO_SERVER,
  ENETUNREACH: NO_SERVER,
  ETIMEDOUT: NO_SERVER,
  timeout: ['the database did not answer in time', 'look at its load and its locks'],
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
  ECONNRESET: LOST,
  EPIPE: LOST,
  PROTOCOL_CONNECTION_LOST: LOST,
  '57P01': LOST,
  '57P03': ['the database server is starting or stopping', 'wait'],
  no_tls: NO_TLS,
  HANDSHAKE_NO_SSL_SUPPORT: NO_TLS,
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CERTIFICATE,
  CERT_HAS_EXPIRED: CERTIFICATE,
  ERR_TLS_CERT_ALTNAME_INVALID: CERTIFICATE,
  HANDSHAKE_SSL_ERROR: CERTIFICATE,

  '28P01': WRONG_LOGIN,
  ER_ACCESS_DENIED_ERROR: WRONG_LOGIN,
  '28000': NOT_ALLOWED,
  ER_HOST_NOT_PRIVILEGED: NOT_ALLOWED,
  '3D000': NO_DATABASE,
  ER_BAD_DB_ERROR: NO_DATABASE,
  '42501': NO_RIGHTS,
  '3F000': NO_RIGHTS,
  ER_DBACCESS_DENIED_ERROR: NO_RIGHTS,
  ER_TABLEACCESS_DENIED_ERROR: NO_RIGHTS,
  ER_SPECIFIC_ACCESS_DENIED_ERROR: NO_RIGHTS,
  '53300': FULL,
  ER_CON_COUNT_ERROR: FULL,
  ER_TOO_MANY_USER_CONNECTIONS: FULL,
  '25006': READ_ONLY,
  ER_OPTION_PREVENTS_STATEMENT: READ_ONLY,
  ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: READ_ONLY,
  '53100': DISK_FULL,
  ER_DISK_FULL: DISK_FULL,
  ER_RECORD_FILE_FULL: DISK_FULL,
  '57014': ['a statement took longer than 5 s', 'look at the load of the database and its locks'],
  '55P03': BUSY,
  ER_LOCK_WAIT_TIMEOUT: BUSY,
  ER_LOCK_DEADLOCK: BUSY,
  '42P01': [
    'a table of the service is missing',
    'restore a backup, or start with an empty database',
  ],
  ER_NO_SUCH_TABLE: [
    'a table of the service is missing',
    'restore a backup, or start with an empty database',
  ],
  '08P01': [
    'the server refused the connection or what it was sent',
    'between a pooler and the server, read the log of both',
  ],
};

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
