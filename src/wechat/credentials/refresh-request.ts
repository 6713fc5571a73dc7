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

/**
 * Whether the request is done already, by whoever: there is a newer version, it is not dead, and it was made under
 * the configuration of the request. Asked before each claim and after each wait, with no await in between: what
 * the claim's statement compares is the row as it is by then, which would let the newer version be replaced too.
 */
export function isReplaced(
  { row }: { readonly row: Pick<CredentialEntity, 'fence' | 'configVersion'> },
  view: { readonly version: number; readonly isDead: boolean; readonly live: object | undefined },
  { force, replaces }: Pick<RefreshRequest, 'force' | 'replaces'>,
): boolean {
  // The row has the configuration of its last claim. That is the version's own if no claim came after it.
  const isMadeUnder = row.configVersion >= replaces.configVersion && row.fence === view.version;
  return (
    force !== 'requested' &&
    view.version > replaces.version &&
    view.live !== undefined &&
    !view.isDead &&
    (replaces.isConfigClaimed || isMadeUnder)
  );
}
