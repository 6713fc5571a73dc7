import type { Origin } from '../../audit/origin.js';
import type { Account } from '../accounts/account.js';
import type { CredentialPolicy } from './credential.policy.js';

/**
 * What a Nest module gives to the engine to have a credential kept alive: where it comes from and by
 * which policy it is refreshed. The engine knows no kind by name.
 */
export interface CredentialKind {
  /** Stored in the row, shown in paths and metrics. */
  readonly name: string;
  /** Whether each account has one from the start, or only once somebody asks. */
  readonly fetchedAhead: boolean;
  policyFor(account: Account): CredentialPolicy;
  /**
   * Asked before each attempt of the schedule's own; absent: always. While it says no, what there is is
   * served to its end and nothing is fetched: nobody needs it, or what it is fetched with is missing.
   */
  mayFetch?(account: Account): boolean;
  /**
   * Asks WeChat for a value. One call; fail-over among hosts included.
   * @throws WechatCallError
   */
  fetch(account: Account, request: { force: boolean }): Promise<FetchedValue>;
  /** Asks WeChat whether it still accepts a value. Never throws. */
  probe(account: Account, value: string): Promise<ProbeVerdict>;
  /**
   * An account was removed: what the kind keeps of it besides its credentials goes as well. Every replica
   * calls it, and again until it succeeds.
   * @throws DatabaseError
   */
  forget?(appId: string): Promise<void>;
}

export interface FetchedValue {
  readonly value: string;
  /** As WeChat sent it: the engine checks that it is a whole number of seconds. */
  readonly expiresIn: unknown;
}

/** A live value that another server fetched. */
export interface ImportedValue {
  readonly value: string;
  /** How long it still lives; how long it lives in all is not known. */
  readonly remainingMs: number;
  /** WeChat accepted it just now; else it could not be asked. */
  readonly isProved: boolean;
  readonly origin: Origin;
}

/** `unknown`: WeChat could not be asked, or gave an answer that says neither alive nor dead. */
export type ProbeVerdict = 'alive' | 'dead' | 'unknown';

/** Why a refresh was asked for. */
export type RefreshCause = 'schedule' | 'report' | 'admin';
