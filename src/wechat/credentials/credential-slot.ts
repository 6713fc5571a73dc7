import type { Account } from '../accounts/account.js';
import { Acceptance } from './acceptance.js';
import type { CredentialEntity } from './credential.entity.js';
import type { CredentialKind } from './credential-kind.js';
import {
  quarantineAtMs,
  type CredentialPolicy,
  type Doubt,
  type Life,
} from './credential.policy.js';
import { makeSnapshot, type CredentialSnapshot } from './credential-snapshot.js';
import type { Claim } from './claim.repository.js';
import type { RefreshTarget } from './refresh-request.js';
import { RefreshTally } from './refresh-tally.js';

const LONGEST_PAUSE_MS = 10_000;

export interface LiveValue extends Life {
  readonly version: number;
  readonly value: string;
}

/** A value that WeChat gave and the database has not taken yet. */
export interface UnstoredValue extends LiveValue {
  /** The claim under which it was fetched; undefined where the database was away before the fetch. */
  readonly claim: Claim | undefined;
  /**
   * Another claim came after ours, so it will not be stored. It is newer than what the row holds all the
   * same, and stays live, in doubt like the row, until the other claim's value comes.
   */
  readonly disputed?: boolean;
}

/**
 * What this process knows of one credential. Two sources feed it: the row, and a value that was fetched
 * while the database was away; the greater version is the live one. Versions never go back.
 *
 *   row ──adopt──▶ stored ─┐
 *                          ├─▶ live ──▶ snapshot (what reads get) ──▶ listeners
 *   fetch ──hold─▶ unstored┘
 */
export class CredentialSlot {
  private rowValue: LiveValue | undefined;
  private unstoredValue: UnstoredValue | undefined;
  private readonly acceptance = new Acceptance();
  private currentSnapshot: CredentialSnapshot | undefined;
  private readonly listeners = new Set<() => void>();
  private hasRetired = false;
  readonly tally = new RefreshTally();

  /** Why the row cannot be used at all, such as a value that no key opens; undefined when it can. */
  problem: string | undefined;
  /** Whether an attempt has ended since the start of the process, well or not. */
  attempted = false;
  /** Before this time no attempt is made from here: the database did not answer the last one. */
  notBeforeMs = 0;
  private untoldMs: number | undefined;

  constructor(
    private knownAccount: Account,
    readonly kind: CredentialKind,
    private knownRow: CredentialEntity,
    private readonly openValue: (row: CredentialEntity) => string,
  ) {
    this.take(knownRow);
  }

  get account(): Account {
    return this.knownAccount;
  }

  get row(): CredentialEntity {
    return this.knownRow;
  }

  get policy(): CredentialPolicy {
    return this.kind.policyFor(this.account);
  }

  get snapshot(): CredentialSnapshot | undefined {
    return this.currentSnapshot;
  }

  /** The value in the row, whether it may be served or not. */
  get stored(): LiveValue | undefined {
    return this.rowValue;
  }

  get unstored(): UnstoredValue | undefined {
    return this.unstoredValue;
  }

  /** The newest value known, whether it may be served or not. */
  get live(): LiveValue | undefined {
    return this.unstoredValue ?? this.rowValue;
  }

  /** Nothing is fetched by the schedule: nobody needs it, or what it is fetched with is missing. */
  get isAtRest(): boolean {
    return this.kind.mayFetch?.(this.account) === false;
  }

  /** The version that clients have seen last; 0 before the first. */
  get version(): number {
    return Math.max(this.live?.version ?? 0, this.knownRow.version);
  }

  /** What a refresh that is decided now is to replace. */
  get target(): RefreshTarget {
    const { configVersion } = this.knownAccount;
    const isConfigClaimed = this.knownRow.configVersion >= configVersion;
    return { version: this.version, configVersion, isConfigClaimed };
  }

  /** WeChat refused the live value, by the row or by our own memory of it. */
  get isDead(): boolean {
    return this.live !== undefined && this.isRefused(this.live);
  }

  /** WeChat refused the value in the row. */
  get isStoredDead(): boolean {
    return this.rowValue !== undefined && this.isRefused(this.rowValue);
  }

  /** What the row says of its value, it says of the live one: where two replicas fetched the same, too. */
  get isLiveStored(): boolean {
    return this.rowValue !== undefined && this.rowValue.value === this.live?.value;
  }

  /** The account was removed: nothing of this slot counts any more, whatever is still under way for it. */
  get isRetired(): boolean {
    return this.hasRetired;
  }

  /** Whether WeChat may be asked for it, and anybody gets it. */
  get isServed(): boolean {
    return !this.hasRetired && this.knownAccount.enabled;
  }

  /**
   * A fetch of ours that may have ended the stored value, which the row could not be told yet: the time of
   * its claim. Repeated until the row says so.
   */
  get untoldAttemptMs(): number | undefined {
    return this.untoldMs;
  }

  /** The row is owed word of a fetch, the earliest if there are several; undefined: it has it. */
  owe(attemptAtMs: number | undefined): void {
    this.untoldMs =
      attemptAtMs === undefined ? undefined : Math.min(attemptAtMs, this.untoldMs ?? Infinity);
  }

  /** Takes over what an admin changed of the account. */
  reconfigure(account: Account): void {
    this.knownAccount = account;
    this.changed();
  }

  /** For good: an account that is added again has another slot. */
  retire(): void {
    this.hasRetired = true;
    this.changed();
  }

  /**
   * Takes over what a statement or a poll read.
   * @returns false when the row holds an older version than memory: a restored back-up, or a database
   * that failed over to a copy behind. Then the newer value stays live, and a refresh has to store one.
   */
  adopt(row: CredentialEntity): boolean {
    const isBehind = row.id === this.knownRow.id && row.version < this.knownRow.version;
    if (isBehind && this.live !== undefined) {
      this.unstoredValue ??= { ...this.live, claim: undefined };
    }
    if (isBehind || row.id !== this.knownRow.id || row.revision >= this.knownRow.revision) {
      this.take(row);
    }
    return !isBehind;
  }

  /** Serves a value from memory until the database takes it; not when a newer one is known by then. */
  hold(value: UnstoredValue): void {
    if (value.version <= this.version && value.version !== this.unstoredValue?.version) {
      return;
    }
    this.unstoredValue = value;
    this.changed();
  }

  /** Another claim came after the one of the held value. */
  dispute(): void {
    if (this.unstoredValue !== undefined) {
      this.unstoredValue = { ...this.unstoredValue, claim: undefined, disputed: true };
    }
    this.changed();
  }

  /** WeChat refused the live value. */
  refuse(live: LiveValue): void {
    this.acceptance.refuse(live.value);
    this.changed();
  }

  /** WeChat accepted a version: should it be doubtful, it may be served until then. */
  vouch(version: number, untilMs: number): void {
    this.acceptance.vouch(version, untilMs);
    this.changed();
  }

  isVouched(nowMs: number): boolean {
    return nowMs < this.vouchedUntilMs();
  }

  /**
   * Until when the live value may be served; it may lie in the past.
   * @param doubt what speaks against it: by the row as it is, or as it will be
   */
  servableUntilMs(doubt: Doubt = this.knownRow): number {
    const { live } = this;
    if (live === undefined || this.isDead || this.problem !== undefined || this.hasRetired) {
      return 0;
    }
    return Math.min(live.expiresAtMs, Math.max(this.quarantineAtMs(doubt), this.vouchedUntilMs()));
  }

  /** From when on the live value needs WeChat's acceptance to be served; Infinity when it does not. */
  quarantineAtMs(doubt: Doubt = this.knownRow): number {
    const held = this.unstoredValue;
    if (held !== undefined && held.disputed !== true && !this.isLiveStored) {
      // A value that is not in the row is newer than the row's suspicion, unless the row went on without it.
      return isOvertaken(held, this.knownRow) ? 0 : Infinity;
    }
    const untold = this.untoldMs;
    const suspectAt =
      untold === undefined ? doubt.suspectAt : Math.min(untold, doubt.suspectAt ?? Infinity);
    return quarantineAtMs(this.policy, { ...doubt, suspectAt });
  }

  /** Calls back at each change, and when an attempt ends. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Who waits for a usable value looks again. */
  wake(): void {
    for (const listener of [...this.listeners]) {
      listener();
    }
  }

  /** Whether this process leaves the credential alone for a moment, since the database did not answer. */
  isPausing(nowMs: number): boolean {
    // A pause that seems long was set before the clock went back.
    return nowMs < this.notBeforeMs && this.notBeforeMs - nowMs <= LONGEST_PAUSE_MS;
  }

  private vouchedUntilMs(): number {
    return this.acceptance.vouchedUntilMs(this.live?.version);
  }

  private isRefused({ value }: LiveValue): boolean {
    const isRefusedByRow = this.knownRow.deadAt !== null && this.rowValue?.value === value;
    return isRefusedByRow || this.acceptance.isRefused(value);
  }

  private take(row: CredentialEntity): void {
    const isSameValue = row.id === this.knownRow.id && row.value === this.knownRow.value;
    this.knownRow = row;
    this.rowValue =
      isSameValue && this.rowValue !== undefined
        ? { ...this.rowValue, ...lifeOf(row), version: row.version }
        : this.open(row);
    if (this.unstoredValue !== undefined && row.version >= this.unstoredValue.version) {
      this.unstoredValue = undefined;
    }
    this.changed();
  }

  private open(row: CredentialEntity): LiveValue | undefined {
    this.problem = undefined;
    if (row.value === null) {
      return undefined;
    }
    try {
      return { ...lifeOf(row), version: row.version, value: this.openValue(row) };
    } catch (error) {
      this.problem = error instanceof Error ? error.message : 'the stored value does not open';
      return undefined;
    }
  }

  private changed(): void {
    this.currentSnapshot = this.snapshotNow();
    this.wake();
  }

  private snapshotNow(): CredentialSnapshot | undefined {
    const { live } = this;
    const expiresAtMs = this.servableUntilMs();
    if (live === undefined || expiresAtMs <= 0) {
      return undefined;
    }
    return makeSnapshot({
      appId: this.account.appId,
      kind: this.kind.name,
      policy: this.policy,
      rowId: this.knownRow.id,
      live,
      expiresAtMs,
    });
  }
}

/** Fetched without a claim, and another replica has stored a later fetch: that one may have ended it. */
function isOvertaken(held: UnstoredValue, row: CredentialEntity): boolean {
  return held.claim === undefined && row.obtainedAt > held.obtainedAtMs;
}

function lifeOf(row: CredentialEntity): Life {
  return {
    obtainedAtMs: row.obtainedAt,
    expiresAtMs: row.expiresAt,
    lifetimeMs: row.lifetimeMs,
  };
}
