import { FIRST_READING, type Reading } from '../../database/reading.js';
import { supersedes, toHeld, type HeldRow } from '../../database/replica-sync.policy.js';
import type { Account } from '../accounts/account.js';
import type { CredentialEntity } from './credential.entity.js';
import type {
  Confirmation,
  CredentialFacts,
  LiveValue,
  PendingCommit,
} from './credential-facts.js';
import type { CredentialKind } from './credential-kind.js';
import type { CredentialPolicy, Life } from './credential.policy.js';
import { isMadeFrom, makeSnapshot, type CredentialSnapshot } from './credential-snapshot.js';
import { credentialView, type CredentialView } from './credential-view.js';
import { RefreshCounters } from './refresh-counters.js';
import type { RefreshTarget } from './refresh-request.js';

/** The database's clock is read anew each second and may step back by a round trip: that is not worth a new view. */
const CLOCK_STEP_MS = 1_000;

interface Memory {
  pending: PendingCommit | undefined;
  pendingSuspicionMs: number | undefined;
  deadValue: string | undefined;
  confirmed: Confirmation | undefined;
  lastProbeAtMs: number;
  lastUnclaimedFetchAtMs: number;
  databasePauseUntilMs: number;
}

/**
 * One credential in this process's memory: the facts, and the view of them that is valid now. It decides nothing
 * itself (credential-view.ts).
 *
 *   row, WeChat's answers, account ──▶ facts ──▶ view ──▶ snapshot (what reads get) ──▶ listeners
 *
 * The view is made when a fact changes, and at the first look after time alone changed it. Versions never go back.
 */
export class Credential {
  private stored: CredentialFacts['stored'];
  private readonly memory: Memory = {
    pending: undefined,
    pendingSuspicionMs: undefined,
    deadValue: undefined,
    confirmed: undefined,
    lastProbeAtMs: -Infinity,
    lastUnclaimedFetchAtMs: -Infinity,
    databasePauseUntilMs: 0,
  };
  private isRemoved = false;
  private knownFacts: CredentialFacts;
  private known: CredentialView;
  private knownAtMs: number;
  private currentSnapshot: CredentialSnapshot | undefined;
  private readonly listeners = new Set<() => void>();
  readonly counters = new RefreshCounters();

  /** Whether an attempt has ended since the start of the process, well or not. */
  attempted = false;

  constructor(
    private knownAccount: Account,
    readonly kind: CredentialKind,
    private knownRow: CredentialEntity,
    private readonly openValue: (row: CredentialEntity) => string,
    private readonly nowMs: () => number,
    private knownReading: Reading = FIRST_READING,
  ) {
    this.stored = this.open(knownRow);
    this.knownAtMs = nowMs();
    this.knownFacts = this.collectFacts();
    this.known = credentialView(this.knownFacts, this.knownAtMs);
    this.prepareSnapshot();
  }

  get account(): Account {
    return this.knownAccount;
  }

  get policy(): CredentialPolicy {
    return this.kind.policyFor(this.knownAccount);
  }

  get facts(): CredentialFacts {
    return this.knownFacts;
  }

  get view(): CredentialView {
    const nowMs = this.nowMs();
    if (nowMs >= this.known.changesAtMs || nowMs < this.knownAtMs - CLOCK_STEP_MS) {
      this.look(nowMs);
    }
    return this.known;
  }

  /** As of the last change, without a look at the clock: for reads, whose part of it no time changes. */
  get viewForReads(): CredentialView {
    return this.known;
  }

  get snapshot(): CredentialSnapshot | undefined {
    return this.currentSnapshot;
  }

  get row(): Readonly<CredentialEntity> {
    return this.knownRow;
  }

  /** The row as the rounds compare it. */
  get held(): HeldRow {
    return toHeld(this.knownRow, this.knownReading);
  }

  get live(): LiveValue | undefined {
    return this.known.live;
  }

  get version(): number {
    return this.known.version;
  }

  get isDead(): boolean {
    return this.known.isDead;
  }

  /** What a refresh that is decided now is to replace. */
  get target(): RefreshTarget {
    const { configVersion } = this.knownAccount;
    const isConfigClaimed = this.row.configVersion >= configVersion;
    return { version: this.known.version, configVersion, isConfigClaimed };
  }

  /** The account was removed: nothing of this credential counts any more, whatever is still under way for it. */
  get isRetired(): boolean {
    return this.isRemoved;
  }

  /** Whether WeChat may be asked for it, and anybody gets it. */
  get isServed(): boolean {
    return !this.isRemoved && this.knownAccount.enabled;
  }

  /** Nothing is fetched by the schedule: nobody needs it, or what it is fetched with is missing. */
  get isAtRest(): boolean {
    return this.kind.mayFetch?.(this.knownAccount) === false;
  }

  /** Takes over what an admin changed of the account. */
  reconfigure(account: Account): void {
    this.knownAccount = account;
    this.changed();
  }

  /** For good: an account that is added again has another credential. */
  retire(): void {
    this.isRemoved = true;
    this.changed();
  }

  /**
   * Takes over what a statement or a round read, unless another reading of the row counts more.
   * @returns false when the row is behind memory: a restored back-up, or a database that failed over to a copy
   * behind. A newer value stays live then; and what the row has forgotten may have ended its value, so that a
   * refresh has to store one.
   */
  adopt(row: CredentialEntity, reading: Reading): boolean {
    const known = this.knownRow;
    const isSameRow = row.id === known.id;
    if (isSameRow && !supersedes(this.held, toHeld(row, reading))) {
      return true;
    }
    const { live } = this.known;
    if (isSameRow && row.version < known.version && live !== undefined) {
      this.memory.pending ??= { ...live, claim: undefined };
    }
    this.knownReading = reading;
    this.take(row);
    return !isSameRow || !isBehind(row, known);
  }

  /** Serves a value from memory until the row has it; not when a newer one is known by then. */
  addPending(pending: PendingCommit): void {
    const { version } = this.known;
    if (pending.version > version || pending.version === this.memory.pending?.version) {
      this.memory.pending = pending;
      this.changed();
    }
  }

  /**
   * A later claim won, so a value of this version will not be stored. One that is pending was served: dropping it would
   * take a version back.
   */
  fenceOff(version: number): void {
    const { pending } = this.memory;
    if (pending?.version === version) {
      this.memory.pending = { ...pending, claim: undefined, isFencedOff: true };
      this.changed();
    }
  }

  /** A fetch that was claimed then may have ended the row's value. Of several, the earliest counts. */
  addPendingSuspicion(claimedAtMs: number): void {
    this.memory.pendingSuspicionMs = Math.min(
      claimedAtMs,
      this.memory.pendingSuspicionMs ?? Infinity,
    );
    this.changed();
  }

  /** The suspicion is in the row now. */
  suspicionFlushed(): void {
    this.memory.pendingSuspicionMs = undefined;
    this.changed();
  }

  /** WeChat refused the live value. */
  markDead({ value }: LiveValue): void {
    this.memory.deadValue = value;
    this.changed();
  }

  probeStarted(): void {
    this.memory.lastProbeAtMs = this.nowMs();
    this.knownFacts = this.collectFacts();
  }

  /** WeChat accepted a version: should it need that, it may be served until then. */
  confirm(version: number, untilMs: number): void {
    this.memory.confirmed = { version, untilMs };
    this.changed();
  }

  unclaimedFetchStarted(): void {
    this.memory.lastUnclaimedFetchAtMs = this.nowMs();
    this.changed();
  }

  pauseForDatabase(untilMs: number): void {
    this.memory.databasePauseUntilMs = untilMs;
    this.changed();
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

  private take(row: CredentialEntity): void {
    const { stored } = this;
    const isSameValue = row.id === this.row.id && row.value === this.row.value;
    this.stored =
      isSameValue && stored !== undefined && 'value' in stored
        ? { ...stored, ...lifeOf(row), version: row.version }
        : this.open(row);
    this.knownRow = row;
    if (this.memory.pending !== undefined && row.version >= this.memory.pending.version) {
      this.memory.pending = undefined;
    }
    this.changed();
  }

  private open(row: CredentialEntity): CredentialFacts['stored'] {
    if (row.value === null) {
      return undefined;
    }
    try {
      return { ...lifeOf(row), version: row.version, value: this.openValue(row) };
    } catch (error) {
      return {
        unopened: error instanceof Error ? error.message : 'the stored value does not open',
      };
    }
  }

  private changed(): void {
    this.look(this.nowMs());
    this.wake();
  }

  private collectFacts(): CredentialFacts {
    return {
      ...this.memory,
      row: this.knownRow,
      stored: this.stored,
      account: this.isRemoved ? 'removed' : this.knownAccount,
      policy: this.policy,
    };
  }

  private look(nowMs: number): void {
    this.knownFacts = this.collectFacts();
    this.known = credentialView(this.knownFacts, nowMs);
    this.knownAtMs = nowMs;
    this.prepareSnapshot();
  }

  /** Another one only where it would differ: it holds a prepared answer. */
  private prepareSnapshot(): void {
    const { live, effectiveExpiresAtMs: expiresAtMs, trustedMs } = this.known;
    if (live === undefined || expiresAtMs <= 0) {
      this.currentSnapshot = undefined;
      return;
    }
    const { knownAccount, kind, policy, knownRow } = this;
    const source = {
      appId: knownAccount.appId,
      kind: kind.name,
      policy,
      rowId: knownRow.id,
      live,
      expiresAtMs,
      trustedMs,
    };
    if (this.currentSnapshot === undefined || !isMadeFrom(this.currentSnapshot, source)) {
      this.currentSnapshot = makeSnapshot(source);
    }
  }
}

function isBehind(row: CredentialEntity, known: CredentialEntity): boolean {
  return (
    row.version < known.version || (row.version === known.version && row.revision < known.revision)
  );
}

function lifeOf(row: CredentialEntity): Life {
  return {
    obtainedAtMs: row.obtainedAt,
    expiresAtMs: row.expiresAt,
    lifetimeMs: row.lifetimeMs,
  };
}
