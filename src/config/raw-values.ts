import { readFileSync } from 'node:fs';
import type { Environment } from './environment.js';
import { type Variable, type VariableName, variableNames, variables } from './variables.js';

/** Each variable's text, its file read and its default put in; undefined where there is none. */
export type RawValues = Readonly<Record<VariableName, string | undefined>>;

export interface RawResult {
  readonly values: RawValues;
  /** `NAME: what is wrong and what to do`. */
  readonly problems: readonly string[];
  /** Variables whose text could not be had: their value says nothing, and must not be judged again. */
  readonly broken: ReadonlySet<VariableName>;
}

/** Collects the text of every variable. Unknown variables are left alone: an environment is full of others. */
export function readRawValues(environment: Environment): RawResult {
  const values: Record<string, string | undefined> = {};
  const problems: string[] = [];
  const broken = new Set<VariableName>();
  for (const name of variableNames) {
    const read = readOne(name, environment);
    if (read.problem !== undefined) {
      problems.push(`${name}: ${read.problem}`);
      broken.add(name);
    }
    values[name] = read.value;
  }
  return { values: values as RawValues, problems, broken };
}

function readOne(
  name: VariableName,
  environment: Environment,
): { value?: string; problem?: string } {
  const variable: Variable = variables[name];
  const direct = nonEmpty(environment[name]);
  const path = variable.secret === true ? nonEmpty(environment[`${name}_FILE`]) : undefined;
  if (direct !== undefined && path !== undefined) {
    return { problem: `is set, and so is ${name}_FILE. Keep one of the two.` };
  }
  const given = path === undefined ? { value: direct } : readSecretFile(name, path);
  if (given.problem !== undefined) {
    return given;
  }
  if (/^["'`]/.test(given.value ?? '')) {
    return { problem: QUOTED };
  }
  const value = given.value ?? variable.fallback;
  if (value === undefined && variable.required === true) {
    return { problem: `is not set. Set it, or ${name}_FILE: ${howToMake(name)}` };
  }
  return value === undefined ? {} : { value };
}

/** Docker's --env-file and files of secrets take quotes for a part of the value; so does .env where they do not match. */
const QUOTED =
  'begins with a quotation mark, which is taken for a part of the value. Remove the quotes; in .env, end the value with the same mark.';

function readSecretFile(name: string, path: string): { value?: string; problem?: string } {
  try {
    // Editors and `echo` end a file with a newline, and Windows begins it with a byte order mark: no part of the secret.
    const content = nonEmpty(readFileSync(path, 'utf8').replace(/^\uFEFF|(?:\r?\n)+$/g, ''));
    return content === undefined
      ? { problem: `the file that ${name}_FILE names is empty. Write the value into it.` }
      : { value: content };
  } catch (error) {
    return {
      problem: `the file that ${name}_FILE names cannot be read (${errorCode(error)}). Check its path and its permissions.`,
    };
  }
}

function howToMake(name: VariableName): string {
  return name === 'ENCRYPTION_KEY'
    ? '32 random bytes in base64, as `openssl rand -base64 32` prints them. Keep a copy: without it the database cannot be read.'
    : 'a random text of 16 characters or more, such as `openssl rand -hex 24` prints.';
}

function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error
    ? String(error.code)
    : 'unknown error';
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
