import { describe, expect, it } from '@jest/globals';
import type { CredentialEntity } from './credential.entity.js';
import { isReplaced, type Force } from './refresh-request.js';

interface Case {
  readonly force?: Force;
  /** The live version now; version 3 is to be replaced, under configuration 2. */
  readonly version?: number;
  readonly isDead?: boolean;
  readonly opens?: boolean;
  readonly isConfigClaimed?: boolean;
  readonly fence?: number;
  readonly configVersion?: number;
}

/** The row as far as it is looked at. */
type Row = Pick<CredentialEntity, 'fence' | 'configVersion'>;

function replaced(facts: Case): boolean {
  const { force = 'no', version = 5, isDead = false, opens = true } = facts;
  const { isConfigClaimed = true, fence = version, configVersion = 2 } = facts;
  const row: Row = { fence, configVersion };
  const view = { version, isDead, live: opens ? {} : undefined };
  return isReplaced({ row }, view, {
    force,
    replaces: { version: 3, configVersion: 2, isConfigClaimed },
  });
}

describe('a refresh that is to replace version 3', () => {
  it.each<[what: string, facts: Case, expected: boolean]>([
    ['a newer version is there', {}, true],
    ['the version is the same', { version: 3 }, false],
    ['the version is older', { version: 2 }, false],
    ['the newer version is dead', { isDead: true }, false],
    ['the newer version does not open', { opens: false }, false],
    ['only a forced fetch helped, and a newer version is there', { force: 'needed' }, true],
    ['an operator asked for a forced fetch', { force: 'requested' }, false],
    [
      'the newer version was made by the first claim under the configuration',
      { isConfigClaimed: false },
      true,
    ],
    [
      'the newer version was made under the older configuration',
      { isConfigClaimed: false, configVersion: 1 },
      false,
    ],
    [
      'a later claim alone is known to be under the configuration',
      { isConfigClaimed: false, fence: 6 },
      false,
    ],
    ['a later claim came, and all were under the configuration', { fence: 6 }, true],
  ])('when %s', (_what, facts, expected) => {
    expect(replaced(facts)).toBe(expected);
  });
});
