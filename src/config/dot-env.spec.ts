import { describe, expect, it } from '@jest/globals';
import { dotEnvProblems } from './dot-env.js';

const ADVICE =
  'its value in .env ends at a #. Put the value in single quotes; if a comment begins there, put a blank before the #.';
const CUT = [`ADMIN_API_KEY: ${ADVICE}`];

describe('dotEnvProblems', () => {
  it.each([
    ['a # in the middle', 'ADMIN_API_KEY=abc#def', 'abc'],
    ['a # at the end', 'ADMIN_API_KEY=abc#', 'abc'],
    ['a # at the start', 'ADMIN_API_KEY=#abc', ''],
    ['a # at the start, and the variable unset', 'ADMIN_API_KEY=#abc', undefined],
    ['blanks around the name', '  ADMIN_API_KEY = abc#def', 'abc'],
    ['export before the name', 'export ADMIN_API_KEY=abc#def', 'abc'],
    ['Windows line ends', 'PORT=3000\r\nADMIN_API_KEY=abc#def\r\nHOST=::\r\n', 'abc'],
    ['a quote that does not end', 'ADMIN_API_KEY="abc#def\nHOST="::"', '"abc'],
    ['text behind the quotes', `ADMIN_API_KEY='a'b#c`, `'a'b`],
    ['the same line twice', 'ADMIN_API_KEY=abc#def\nADMIN_API_KEY=abc#def', 'abc'],
  ])('names the variable: %s', (_what, text, value) => {
    expect(dotEnvProblems(text, { ADMIN_API_KEY: value })).toEqual(CUT);
  });

  it.each([
    ['no #', 'ADMIN_API_KEY=abc', 'abc'],
    ['single quotes', `ADMIN_API_KEY='abc#def'`, 'abc#def'],
    ['double quotes', 'ADMIN_API_KEY="abc#def"', 'abc#def'],
    ['backticks', 'ADMIN_API_KEY=`abc#def`', 'abc#def'],
    ['quotes and a comment right behind', 'ADMIN_API_KEY="abc"#def', 'abc'],
    ['a comment behind a blank', 'ADMIN_API_KEY=abc # def', 'abc'],
    ['a comment behind a tab', 'ADMIN_API_KEY=abc\t#def', 'abc'],
    ['a line that is a comment', '#ADMIN_API_KEY=abc#def\n # ADMIN_API_KEY=abc#def', 'abc'],
    ['a comment on the next line', 'ADMIN_API_KEY=abc\n#def', 'abc'],
    ['lines within quotes', `NOTE='\nADMIN_API_KEY=abc#def\n'`, 'abc'],
    ['a variable of somebody else', 'THEIR_KEY=abc#def', 'abc'],
    ['a variable that the process has', 'ADMIN_API_KEY=abc#def', 'another'],
  ])('has nothing to say: %s', (_what, text, value) => {
    expect(dotEnvProblems(text, { ADMIN_API_KEY: value })).toEqual([]);
  });

  it('looks at files of secrets too, and lists every variable', () => {
    const text = 'CLIENT_API_KEY_FILE=/run/a#b\nDATABASE_URL=postgres://u:p#w@h/db';
    const environment = { CLIENT_API_KEY_FILE: '/run/a', DATABASE_URL: 'postgres://u:p' };
    expect(dotEnvProblems(text, environment)).toEqual([
      `CLIENT_API_KEY_FILE: ${ADVICE}`,
      `DATABASE_URL: ${ADVICE}`,
    ]);
  });
});
