import type { Origin } from '../../audit/origin.js';
import type { CredentialEntity } from './credential.entity.js';
import type { RefreshCause } from './credential-kind.js';

/**
 * Whether WeChat is asked for a new value even though the old one lives (stable mode alone).
 *
 *   no         an ordinary fetch
 *   needed     WeChat refuses the value and an ordinary fetch returned it again; yields to a newer version
 *   requested  an operator asked for it: never yields and never joins an unforced fetch, but claims after it
 */
export type Force = 'no' | 'needed' | 'requested';

/** What a refresh is to replace: what was known at the moment of the decision. */
export interface RefreshTarget {
  readonly version: number;
  /** The account's: its secret and mode. */
  readonly configVersion: number;
  /** Whether somebody had claimed under that configuration by then: every later commit is made under it too. */
  readonly isConfigClaimed: boolean;
}

export interface RefreshRequest {
  readonly cause: RefreshCause;
  readonly force: Force;
  readonly replaces: RefreshTarget;
  /** Who asked for it; absent where nobody but this process did. */
  readonly origin?: Origin;
}

/** The part of a slot that is needed here. The slot imports this file, so this file does not import the slot. */
interface ReplaceableFacts {
  readonly version: number;
  readonly isDead: boolean;
  readonly live: object | undefined;
  readonly row: Pick<CredentialEntity, 'fence' | 'configVersion'>;
}

/**
 * Whether the request is done already, by whoever: there is a newer version, it is not dead, and it was made under
 * the configuration of the request. Asked before each claim and after each wait, with no await in between: what
 * the claim's statement compares is the row as it is by then, which would let the newer version be replaced too.
 */
export function isReplaced(
  slot: ReplaceableFacts,
  { force, replaces }: Pick<RefreshRequest, 'force' | 'replaces'>,
): boolean {
  return (
    force !== 'requested' &&
    slot.version > replaces.version &&
    slot.live !== undefined &&
    !slot.isDead &&
    (replaces.isConfigClaimed || isMadeUnder(slot, replaces.configVersion))
  );
}

/** The row has the configuration of its last claim. That is the version's own if no claim came after it. */
function isMadeUnder({ version, row }: ReplaceableFacts, configVersion: number): boolean {
  return row.configVersion >= configVersion && row.fence === version;
}
