import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { reasonOf, UsageError } from './exit.js';

type Variables = Readonly<Record<string, string | undefined>>;

/** A line of `.env` that sets one of the variables below without quotes, and has a # with no blank before it. */
const CUT =
  /^\s*(?:export\s+)?(WECHAT_TOKEN_CENTER_URL|(?:ADMIN|CLIENT)_API_KEY(?:_FILE)?)[ \t]*=[ \t]*(?!['"`])[^#\r\n]*(?<![ \t])#/gm;

const DEFAULT_URL = 'http://127.0.0.1:3000';

/**
 * The variables that the command line goes by: those of the process, and below them those of `.env` in the
 * working directory, since that is where the service next to it has its keys from.
 */
export class CliEnvironment {
  private readonly variables: Variables;

  constructor() {
    this.variables = { ...readDotEnv(), ...withoutEmpty(process.env) };
  }

  get url(): string {
    return this.variables.WECHAT_TOKEN_CENTER_URL ?? DEFAULT_URL;
  }

  /** @throws UsageError when there is none */
  adminKey(): string {
    return this.secret('ADMIN_API_KEY');
  }

  /** @throws UsageError when there is none */
  clientKey(): string {
    return this.secret('CLIENT_API_KEY');
  }

  private secret(name: 'ADMIN_API_KEY' | 'CLIENT_API_KEY'): string {
    const path = this.variables[`${name}_FILE`];
    const value = this.variables[name];
    if (value !== undefined && path !== undefined) {
      throw new UsageError(`${name} is set, and so is ${name}_FILE. Keep one of the two.`);
    }
    const key = path === undefined ? value : readSecretFile(path, `${name}_FILE`);
    if (key === undefined) {
      throw new UsageError(
        `${name} is not set. Set it, or ${name}_FILE, or run this in the folder of the service's .env.`,
      );
    }
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw new UsageError(`${name} holds a blank or a character that no HTTP header carries.`);
    }
    return key;
  }
}

/** The content of a file without the newlines at its end. @throws UsageError when it cannot be had */
export function readSecretFile(path: string, name: string): string {
  let content: string;
  try {
    content = readFileSync(path, 'utf8').replace(/^\uFEFF|(?:\r?\n)+$/g, '');
  } catch (error) {
    throw new UsageError(`The file that ${name} names cannot be read: ${reasonOf(error)}.`);
  }
  if (content === '') {
    throw new UsageError(`The file that ${name} names is empty. Write the value into it.`);
  }
  return content;
}

/** What `.env` in the working directory sets; nothing where there is none. @throws UsageError */
export function readDotEnv(): Variables {
  let text: string;
  try {
    text = readFileSync('.env', 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return {};
    }
    throw new UsageError(`.env cannot be read: ${reasonOf(error)}.`);
  }
  assertNotCut(text);
  return withoutEmpty(parseEnv(text.replace(/^\uFEFF/, '')));
}

/** `KEY=ab#cd` is read as `ab`. The service refuses such a value of `.env` too. @throws UsageError */
function assertNotCut(text: string): void {
  for (const [, name = ''] of text.matchAll(CUT)) {
    if (withoutEmpty(process.env)[name] === undefined) {
      throw new UsageError(
        `${name}: its value in .env ends at a #. Put the value in single quotes; if a comment begins there, put a blank before the #.`,
      );
    }
  }
}

/** As for the service: an empty value counts as unset. */
function withoutEmpty(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
}
