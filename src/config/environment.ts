import { readFileSync } from 'node:fs';

/** Environment variables by name; undefined and the empty string both mean "not set". */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The process's own variables. No other file of the service reads them. */
export function processEnvironment(): Environment {
  return process.env;
}

/** The unchanged text of `.env` in the working directory; empty if there is none. */
export function dotEnvText(): string {
  try {
    return readFileSync('.env', 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return '';
    }
    throw error;
  }
}
