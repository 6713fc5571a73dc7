import type { Environment } from './environment.js';
import { variableNames } from './variables.js';

/**
 * The lines `NAME=value` of a `.env` file as @nestjs/config reads them: a quoted value, which may hold # and line
 * breaks, or all up to a #. In `unquoted` is what is left of a value without quotes, in `rest` what is dropped.
 */
const LINE =
  /^[^\S\r\n]*(?:export[^\S\r\n]+)?(?<name>[\w.-]+)[^\S\r\n]*=[^\S\r\n]*(?:(?:'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`)(?=[^\S\r\n]*(?:#|$))|(?<unquoted>[^#\r\n]*)(?<rest>#.*)?)/gm;

const NAMES: ReadonlySet<string> = new Set(variableNames.flatMap((name) => [name, `${name}_FILE`]));

/**
 * Values of ours that a `#` cuts: `KEY=ab#cd` is read as `ab`, and nobody is told. After a blank it begins a comment,
 * which is meant.
 *
 * @param text of `.env`
 * @param environment what the process has after `.env` was read: a variable of the process's own hides the line
 * @returns `NAME: what is wrong and what to do`, never a value
 */
export function dotEnvProblems(text: string, environment: Environment): string[] {
  const cut = new Set<string>();
  for (const { groups = {} } of text.matchAll(LINE)) {
    const { name = '', unquoted = '', rest } = groups;
    const isCut = rest !== undefined && /\S$|^$/.test(unquoted);
    if (isCut && NAMES.has(name) && (environment[name] ?? '') === unquoted.trim()) {
      cut.add(name);
    }
  }
  return [...cut].map(
    (name) =>
      `${name}: its value in .env ends at a #. Put the value in single quotes; if a comment begins there, put a blank before the #.`,
  );
}
