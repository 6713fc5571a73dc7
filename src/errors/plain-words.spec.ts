import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { speakPlainly } from './plain-words.js';

speakPlainly();

const messagesOf = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? []).map(({ message }) => message);

describe('what a schema says of a wrong value', () => {
  it.each([
    [z.string(), undefined, 'required; give a string'],
    [z.string(), 7, 'must be a string'],
    [z.string(), null, 'must be a string'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.int(), '1', 'must be a number'],
    [z.number(), Number.NaN, 'must be a number'],
    [z.boolean(), 'false', 'must be true or false'],
    [z.strictObject({}), undefined, 'required; give a JSON object'],
    [z.strictObject({}), [], 'must be a JSON object'],
    [z.array(z.string()), 'x', 'must be a list'],
    [z.enum(['stable', 'legacy']), 'fast', 'must be one of: stable, legacy'],
    [z.enum(['stable', 'legacy']), undefined, 'required; give one of: stable, legacy'],
    [z.literal('all'), 'some', 'must be all'],
    [z.string().min(1), '', 'must not be empty'],
    [z.string().min(3), 'ab', 'must have 3 characters or more'],
    [z.string().max(2), 'abc', 'must have 2 characters at most'],
    [z.array(z.string()).min(1), [], 'must not be empty'],
    [z.array(z.string()).max(2), ['a', 'b', 'c'], 'must have 2 entries at most'],
    [z.int().min(1), 0, 'must be 1 or more'],
    [z.int().positive(), 0, 'must be more than 0'],
    [z.int().max(60), 61, 'must be 60 or less'],
    [z.iso.datetime(), 'tomorrow', 'must be a time, such as 2027-01-31T00:00:00Z'],
    [z.string().regex(/^x$/), 'y', 'has the wrong form; see /docs'],
    [z.union([z.literal('all'), z.array(z.string())]), 7, 'is not valid; see /docs'],
    [z.strictObject({}), { a: 1 }, 'unknown field; remove it'],
  ])('%#: in plain words', (schema, value, message) => {
    expect(messagesOf(schema, value)).toEqual([message]);
  });

  it('in its own words, where it has some', () => {
    expect(messagesOf(z.string().regex(/^wx/, 'must be an AppID'), 'gh')).toEqual([
      'must be an AppID',
    ]);
  });
});
