import type { CredentialEntity } from './credential.entity.js';
import type { CredentialPolicy, Life } from './credential.policy.js';

/** A value that WeChat gave out, whether it may still be served or not. */
export interface LiveValue extends Life {
  readonly version: number;
  readonly value: string;
}

/** The claim under which a value was fetched: what its commit must prove. */
export interface Claim {
  readonly id: string;
  readonly owner: string;
  readonly fence: number;
}

/** A value that WeChat gave us and the row does not have yet. */
export interface PendingCommit extends LiveValue {
  /** Undefined where the database was away before the fetch, and after the claim was lost: a later claim stores it. */
  readonly claim: Claim | undefined;
  /**
   * A later claim won, so this value will not be stored. It was served before, and is newer than the row's: it stays
   * until a greater version comes, suspect like the row.
   */
  readonly isFencedOff?: boolean;
}

/** Until when a value of this version may be served without another probe, since WeChat accepted it. */
export interface Confirmation {
  readonly version: number;
  readonly untilMs: number;
}

/** All that this process knows of one credential; what follows from it is decided in credential-view.ts alone. */
export interface CredentialFacts {
  readonly row: Readonly<CredentialEntity>;
  /** The value of the row; the reason where no key opens it; undefined where the row has none. */
  readonly stored: LiveValue | { readonly unopened: string } | undefined;
  readonly pending: PendingCommit | undefined;
  /** The time of a claim of ours that may have ended the row's value, that the row does not have yet. */
  readonly pendingSuspicionMs: number | undefined;
  /** WeChat refused this value, whatever the row says. */
  readonly deadValue: string | undefined;
  readonly confirmed: Confirmation | undefined;
  readonly lastProbeAtMs: number;
  readonly lastUnclaimedFetchAtMs: number;
  /** No attempt is made from here before: the database did not answer the last one. */
  readonly databasePauseUntilMs: number;
  readonly account: { readonly enabled: boolean; readonly configVersion: number } | 'removed';
  readonly policy: CredentialPolicy;
}
