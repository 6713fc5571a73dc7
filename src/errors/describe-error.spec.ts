import { describe, expect, it } from '@jest/globals';
import { AxiosError } from 'axios';
import { QueryFailedError } from 'typeorm';
import { describeError } from './describe-error.js';

const FRAMES = expect.stringMatching(/^\s+at /);

describe('what is logged of an error', () => {
  it('is its name, message, code, stack and cause', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
      code: 'ECONNREFUSED',
    });
    expect(describeError(new TypeError('broken', { cause }))).toEqual({
      name: 'TypeError',
      message: 'broken',
      stack: expect.stringMatching(/^TypeError: broken\n\s+at /),
      cause: {
        name: 'Error',
        code: 'ECONNREFUSED',
        message: 'connect ECONNREFUSED 127.0.0.1:1',
        stack: expect.any(String),
      },
    });
  });

  it('of a failed statement: name, the driver’s code and frames; no SQL, no bound value', () => {
    const driver = Object.assign(new Error('Duplicate entry bound-value'), {
      code: 'ER_DUP_ENTRY',
    });
    const error = new QueryFailedError('INSERT the-sql', ['bound-value'], driver);
    expect(describeError(error)).toEqual({
      name: 'QueryFailedError',
      code: 'ER_DUP_ENTRY',
      stack: FRAMES,
    });
    expect(JSON.stringify(describeError(error))).not.toMatch(/bound-value|the-sql/);
  });

  it.each([
    ['a mysql2 error', { sql: 'INSERT private', sqlMessage: 'private', code: 'ER_X' }, 'ER_X'],
    ['a pg error', { internalQuery: undefined, detail: 'private', code: '22P02' }, '22P02'],
  ])('of %s the same', (_what, fields, code) => {
    const error = Object.assign(new Error('invalid input: private'), fields);
    expect(describeError(error)).toEqual({ name: 'Error', code, stack: FRAMES });
  });

  it('of a failed HTTP call: no URL, no header', () => {
    const config = { url: 'https://host/x?secret=private', headers: { a: 'private' } };
    const error = new AxiosError('private', 'ECONNABORTED', config as never);
    const described = describeError(error);
    expect(described).toEqual({ name: 'AxiosError', code: 'ECONNABORTED', stack: FRAMES });
    expect(JSON.stringify(described)).not.toContain('private');
  });

  it('of text that does not parse: not the text, which JSON.parse quotes', () => {
    const parse = (): unknown => JSON.parse('{"access_token":"private"');
    try {
      parse();
    } catch (error) {
      expect(describeError(error)).toEqual({ name: 'SyntaxError', stack: FRAMES });
      return;
    }
    throw new Error('it parsed');
  });

  it('of something that is no error: its kind, and text without secrets', () => {
    expect(describeError('secret=abc')).toEqual({ name: 'string', message: 'secret=[redacted]' });
    expect(describeError({ any: 'private' })).toEqual({ name: 'object' });
    expect(describeError(undefined)).toEqual({ name: 'undefined' });
    expect(describeError(null)).toEqual({ name: 'null' });
  });

  it('stops at the third cause, so that a cycle ends', () => {
    const error = new Error('again');
    error.cause = error;
    expect(JSON.stringify(describeError(error)).match(/"again"/g)).toHaveLength(4);
  });
});
