import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Expected } from './calls.js';
import { checkAnswer } from './expectation.js';

const answer = {
  status: 200,
  headers: new Headers({ etag: '"17"' }),
  text: '{"version":17,"access_token":"84_live"}',
  durationMs: 1,
};

describe('checkAnswer', () => {
  it.each<[string, Expected]>([
    ['nothing but the status 200', {}],
    ['a header', { headers: { etag: /^"/ } }],
    ['a body by its text', { text: /84_live/ }],
    ['a body by its fields', { json: z.object({ version: z.literal(17) }) }],
  ])('accepts %s', (_, expected) => {
    expect(() => {
      checkAnswer(answer, expected, '84_other');
    }).not.toThrow();
  });

  it.each<[string, Expected]>([
    ['the status is 200, not 304', { status: 304 }],
    ['the header link does not match /./', { headers: { link: /./ } }],
    ['the body does not match /^$/', { text: /^$/ }],
    ['the body holds the token', { hidesToken: true }],
    ['version: Invalid input: expected 18', { json: z.object({ version: z.literal(18) }) }],
    ['the status is 200, not 503; the body does not match /down/', { status: 503, text: /down/ }],
  ])('refuses: %s', (message, expected) => {
    expect(() => {
      checkAnswer(answer, expected, '84_live');
    }).toThrow(message);
  });

  it('refuses a body that is not JSON where fields are expected', () => {
    expect(() => {
      checkAnswer({ ...answer, text: '<html>' }, { json: z.object() }, '');
    }).toThrow('the body is not JSON');
  });
});
