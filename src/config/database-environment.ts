import { randomBytes } from 'node:crypto';
import type { Environment } from './environment.js';
import type { VariableName } from './variables.js';

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
