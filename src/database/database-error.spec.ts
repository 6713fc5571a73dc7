import { describe, expect, it } from '@jest/globals';
import { DatabaseError, DataError, toDatabaseError } from './database-error.js';

/** As TypeORM wraps what a driver throws: with the statement and the bound values beside it. */
function failed(driverError: Error & { code?: string }): Error {
  return Object.assign(new Error("INSERT … VALUES ('secret')"), {
    driverError,
    parameters: ['secret'],
  });
}

function withCode(code: string): Error & { code: string } {
  return Object.assign(new Error('near "secret"'), { code });
}

describe('what a failed statement tells', () => {
  it.each([
    [
      '28P01',
      'the database refused the user or password of DATABASE_URL (28P01); correct them there',
    ],
    [
      '28000',
      'may not log in to this database from here (28000); allow it (PostgreSQL: pg_hba.conf',
    ],
    [
      '42501',
      'lacks rights in the database (42501); make it the owner of the database, or grant it',
    ],
    ['25006', 'the database accepts no writes (25006); name the primary and not a replica'],
    ['ER_OPTION_PREVENTS_STATEMENT', 'the database accepts no writes'],
    ['ER_BAD_DB_ERROR', 'the database of DATABASE_URL does not exist (ER_BAD_DB_ERROR); create it'],
    ['SQLITE_NOTADB', 'is not a sound SQLite database (SQLITE_NOTADB); restore a backup'],
    ['SQLITE_FULL', 'the disk of the database is full (SQLITE_FULL); make room'],
    ['CERT_HAS_EXPIRED', "the database's TLS certificate was not accepted (CERT_HAS_EXPIRED)"],
    ['XX000', "the database refused a statement (XX000); look into the database's log"],
  ])('of %s: what happened and what to do, and no value', (code, words) => {
    const error = toDatabaseError(failed(withCode(code)));
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error).toMatchObject({ driverCode: code, code: 'database_unavailable' });
    expect(error.message).toContain(words);
    expect(error.message).not.toContain('secret');
  });

  it.each([
    ['The server does not support SSL connections', 'no_tls'],
    ['Query read timeout', 'timeout'],
    ['Connection terminated unexpectedly', 'ECONNRESET'],
  ])('of the driver itself is known by its fixed words: %s', (message, code) => {
    expect(toDatabaseError(new Error(message))).toMatchObject({ driverCode: code });
  });

  it.each(['22P05', '22001', 'ER_DATA_TOO_LONG', 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD'])(
    'of a value is no outage: %s',
    (code) => {
      const error = toDatabaseError(failed(withCode(code)));
      expect(error).toBeInstanceOf(DataError);
      expect(error).not.toBeInstanceOf(DatabaseError);
      expect(error).toMatchObject({
        code: 'internal_error',
        message: `the database refused a value (${code})`,
      });
    },
  );
});
