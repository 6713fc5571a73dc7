import { describe, expect, it } from '@jest/globals';
import { assertOurs } from './ownership.js';
import { StartError } from '../errors/fatal-errors.js';

describe('whose tables are in the database', () => {
  it.each([
    ['none', []],
    ['those of a first start that was killed half way', ['wtc_migrations', 'wtc_key_check']],
    ['ours, with one that an operator added', ['my_notes', 'wtc_account', 'wtc_migrations']],
  ])('starts with %s', (_, tables) => {
    expect(() => {
      assertOurs(tables);
    }).not.toThrow();
  });

  it.each([
    [['account'], /has tables of another program \(account\)\. Nothing was changed\./],
    [['a', 'b', 'c', 'd', 'e'], /\(a, b, c, and 2 more\)/],
    [['migrations', 'wtc_account'], /\(migrations, wtc_account\)/],
    [
      ['account', 'credential', 'key_check', 'migrations', 'refresh_history'],
      /made by a version from before the first release and cannot be upgraded/,
    ],
  ])('refuses %j', (tables, message) => {
    const check = (): void => {
      assertOurs(tables);
    };
    expect(check).toThrow(StartError);
    expect(check).toThrow(message);
  });
});
