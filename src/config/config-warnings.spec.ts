import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { configWarnings } from './config-warnings.js';
import type { Environment } from './environment.js';
import { parseAppConfig } from './parse-app-config.js';

function warnings(environment: Environment): string[] {
  return configWarnings(
    parseAppConfig({
      ADMIN_API_KEY: randomBytes(24).toString('hex'),
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      ...environment,
    }),
  );
}

describe('the client key', () => {
  it.each(Array.from('+/=&#%?;:@"<\\|'))('with %s is warned of, and not shown', (character) => {
    const CLIENT_API_KEY = `Hq3vZk8TnWd0${character}LxBf`;
    expect(warnings({ CLIENT_API_KEY })).toEqual([
      expect.stringMatching(/^CLIENT_API_KEY: has characters that mean something else in a URL/),
    ]);
    expect(warnings({ CLIENT_API_KEY })[0]).not.toContain('LxBf');
  });

  it('of letters, digits and - . _ ~ is not, nor one that no SDK can send', () => {
    expect(warnings({})).toEqual([]);
    expect(warnings({ CLIENT_API_KEY: 'Hq3vZk8TnWd0-._~LxBf' })).toEqual([]);
    expect(warnings({ CLIENT_API_KEY: 'Hq3vZk8TnWd0+LxBf', DROP_IN_ENABLED: 'false' })).toEqual([]);
  });
});
