import { ConfigModule as NestConfigModule } from '@nestjs/config';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { VariableName } from './variables.js';

/** Environment variables by name; undefined and the empty string both mean "not set". */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The process's own variables, and those of `.env` in the working directory that the process does not have:
 * @nestjs/config adds them to its own. No other file of the service reads either.
 */
export async function loadEnvironment(): Promise<{
  readonly environment: Environment;
  /** The unchanged text of `.env`; empty if there is none. */
  readonly dotEnv: string;
}> {
  await NestConfigModule.forRoot();
  return { environment: process.env, dotEnv: dotEnvText() };
}

function dotEnvText(): string {
  try {
    return readFileSync('.env', 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return '';
    }
    throw error;
  }
}

/**
 * For a command that works on the database alone: so that it runs where the service's other secrets cannot be
 * read, and no account of the environment is applied. Required keys that it does not use are ones that nobody has.
 * @param used the variables that it does use, in either form
 */
export function databaseEnvironment(
  environment: Environment,
  used: readonly ('ENCRYPTION_KEY' | 'ENCRYPTION_PREVIOUS_KEYS')[] = [],
): Environment {
  const names: VariableName[] = ['DATABASE_URL', ...used];
  return {
    ADMIN_API_KEY: randomBytes(24).toString('hex'),
    ...(!names.includes('ENCRYPTION_KEY') && {
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    }),
    ...Object.fromEntries(
      names.flatMap((name) => [name, `${name}_FILE`]).map((name) => [name, environment[name]]),
    ),
  };
}
