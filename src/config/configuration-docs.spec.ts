import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type Variable, variables } from './variables.js';

const table = Object.entries<Variable>(variables);

describe('.env.example', () => {
  const lines = readFileSync('.env.example', 'utf8').split('\n');
  const assignments = lines.flatMap((line, index) => {
    const match = /^(# )?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
    return match === null
      ? []
      : [
          {
            name: match[2],
            value: match[3],
            active: match[1] === undefined,
            before: lines[index - 1],
          },
        ];
  });

  it('names every variable once, and no other', () => {
    expect(assignments.map(({ name }) => name).sort()).toEqual(table.map(([name]) => name).sort());
  });

  it('shows the defaults, and leaves only the required variables to be filled in', () => {
    expect(
      Object.fromEntries(assignments.map(({ name, value, active }) => [name, { value, active }])),
    ).toEqual(
      Object.fromEntries(
        table.map(([name, { fallback = '', required }]) => [
          name,
          { value: fallback, active: required !== undefined },
        ]),
      ),
    );
  });

  it('says one line why above each variable', () => {
    for (const { before } of assignments) {
      expect(before).toMatch(/^# .{10,}/);
    }
  });
});

describe('docs/configuration.md', () => {
  const rows = readFileSync('docs/configuration.md', 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, name]) => /^`[A-Z]/.test(name ?? ''))
    .map(([, name = '', fallback, file]) => [name.replaceAll('`', ''), { fallback, file }]);

  it('has a row for every variable, and no other', () => {
    expect(rows.map(([name]) => name).sort()).toEqual(table.map(([name]) => name).sort());
  });

  it('shows the defaults and which variables have a file form', () => {
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(
        table.map(([name, { fallback, required, secret }]) => [
          name,
          {
            fallback:
              required !== undefined
                ? 'required'
                : fallback === undefined
                  ? '–'
                  : `\`${fallback}\``,
            file: secret === true ? 'yes' : 'no',
          },
        ]),
      ),
    );
  });
});
