import { Injectable, Logger } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { toDatabaseError } from '../../database/database-error.js';
import { WechatCallError } from '../api/wechat-call.error.js';
import type { HeldClaim } from './claim.service.js';
import type { FetchedValue } from './credential-kind.js';
import { jitterOf, nextDueAtMs, overlapServedMs, scaleOf } from './credential.policy.js';
import { ClaimRepository, type Claim } from './claim.repository.js';
import { CredentialRepository } from './credential.repository.js';
import { toUnstoredValue, unusableAnswer } from './fetched-value.js';
import { outgoingHash } from './previous-value.js';
import type { CredentialSlot, UnstoredValue } from './credential-slot.js';
import { CredentialStore } from './credential-store.js';
import {
  describeFailure,
  parseFailure,
  SameValueError,
  type RefreshFailure,
} from './refresh-failure.js';
import { RefreshHistoryRepository } from '../refresh-history/refresh-history.repository.js';
import type { RefreshOutcome } from '../refresh-history/refresh-outcome.js';
import { retryDelayMs } from './retry.policy.js';

export type Settled =
  /** In the row; `rotated` says whether it is another value than before. */
  | { readonly outcome: 'committed'; readonly rotated: boolean }
  /** Served from memory: the database has not taken it yet. */
  | { readonly outcome: 'held' }
  /** Somebody else's claim came after ours: what they store counts. */
  | { readonly outcome: 'fenced_off' }
  | { readonly outcome: 'failed'; readonly failure: RefreshFailure };

/** Long enough for a request that is still on its way to arrive before the one that settles. */
const QUIET_MS = 20_000;
/** How long this process leaves a database alone that did not take a statement. */
const DATABASE_PAUSE_MS = 1_000;

/** Ends a claim: writes what came of the fetch under the claim's fence, and takes it into memory. */
@Injectable()
export class SettleService {
  private readonly logger = new Logger(SettleService.name);

  constructor(
    private readonly claims: ClaimRepository,
    private readonly repository: CredentialRepository,
    private readonly history: RefreshHistoryRepository,
    private readonly store: CredentialStore,
    private readonly databaseClock: DatabaseClock,
  ) {}

  /** The fetch brought a value. */
  async succeed(slot: CredentialSlot, claim: HeldClaim, fetched: FetchedValue): Promise<Settled> {
    const value = toUnstoredValue(slot, claim, fetched);
    if (value === undefined) {
      return this.fail(slot, claim, unusableAnswer(slot));
    }
    if (slot.stored?.value !== value.value) {
      return this.commit(slot, claim, value);
    }
    return slot.isStoredDead
      ? this.fail(slot, claim, new SameValueError())
      : this.keep(slot, claim, value);
  }

  /** The fetch brought none, or a value that cannot be one. */
  async fail(slot: CredentialSlot, claim: HeldClaim, error: unknown): Promise<Settled> {
    const { row, policy } = slot;
    const failure = describeFailure(error, parseFailure(row.lastError), this.nowMs());
    const isUnknown = failure.failureClass === 'unknown_outcome';
    const suspect = isUnknown && policy.fetchEndsOlderValue;
    // How the row will stand: our own claim, which is in flight still, is not held against the value.
    const after = {
      owner: null,
      claimedAt: row.claimedAt,
      lifetimeMs: row.lifetimeMs,
      suspectAt: suspect ? (row.suspectAt ?? row.claimedAt) : row.suspectAt,
      unknownOutcomes: row.unknownOutcomes + (suspect ? 1 : 0),
    };
    // After a forced fetch of unknown outcome an unforced one tells at once what WeChat holds.
    const dead = isUnknown && claim.forced;
    const delayMs = retryDelayMs(policy, {
      ...failure,
      unknownOutcomes: after.unknownOutcomes,
      retryAfterMs: error instanceof WechatCallError ? error.retryAfterMs : undefined,
      servableMs: slot.servableUntilMs(after) - this.nowMs(),
      lifetimeMs: row.lifetimeMs,
      jitter: jitterOf(slot.account.appId, claim.fence),
    });
    const recorded = await this.tell(slot, () =>
      this.claims.fail(claim, {
        failure,
        retryDelayMs: dead ? 0 : delayMs,
        suspect,
        dead,
        forceNext: error instanceof SameValueError,
      }),
    );
    // Not recorded: the claim was taken over, its row is gone, or the database did not say. The row must learn it.
    const isLost = recorded === false || (recorded === undefined && slot.row.owner !== claim.owner);
    if (isUnknown && isLost) {
      await this.fencedOff(slot, claim.attemptAtMs);
    }
    await this.close(slot, claim, 'failed', failure);
    return { outcome: 'failed', failure };
  }

  /** WeChat was not called: the claim is given back. */
  async release(slot: CredentialSlot, claim: HeldClaim): Promise<void> {
    await this.tell(slot, () => this.claims.release(claim));
    await this.close(slot, claim, 'released');
  }

  /** Stores a value under its claim; while the database is away it is served from memory. */
  async commit(slot: CredentialSlot, claim: Claim, value: UnstoredValue): Promise<Settled> {
    const { appId } = slot.account;
    const committed = await this.tell(slot, () =>
      this.claims.commit(claim, {
        value: value.value,
        previousHash: outgoingHash(slot, value.value),
        overlapMs: Math.floor(overlapServedMs(slot.policy, value.lifetimeMs)),
        expiresAtMs: value.expiresAtMs,
        lifetimeMs: value.lifetimeMs,
        nextAttemptAtMs: nextDueAtMs(slot.policy, { ...value, appId }, this.nowMs()),
      }),
    );
    // An acknowledgement may have been lost on the way: the row tells whether the commit was ours.
    if (slot.row.version === claim.fence) {
      await this.close(slot, claim, 'committed');
      return { outcome: 'committed', rotated: true };
    }
    if (committed === undefined) {
      slot.hold(value);
      return { outcome: 'held' };
    }
    if (!slot.isRetired) {
      slot.hold(value);
      slot.dispute();
    }
    await this.fencedOff(slot, value.obtainedAtMs);
    await this.close(slot, claim, 'fenced_off');
    return { outcome: 'fenced_off' };
  }

  /** WeChat returned the value that is stored already. */
  private async keep(
    slot: CredentialSlot,
    claim: HeldClaim,
    value: UnstoredValue,
  ): Promise<Settled> {
    const { row, account, policy } = slot;
    // WeChat counts in whole seconds, so the same end comes back a little earlier or later.
    const expiresAtMs = Math.min(row.expiresAt, value.expiresAtMs);
    // Clients of this process may have seen a greater version than the row's: one does not go back.
    const version = slot.version > row.version ? claim.fence : row.version;
    const life = { ...value, expiresAtMs, obtainedAtMs: row.obtainedAt, version };
    const kept = await this.tell(slot, () =>
      this.claims.commitSame(claim, {
        version,
        expiresAtMs,
        lifetimeMs: value.lifetimeMs,
        nextAttemptAtMs: nextDueAtMs(policy, { ...life, appId: account.appId }, this.nowMs()),
      }),
    );
    if (kept === undefined) {
      return { outcome: 'held' };
    }
    await this.close(slot, claim, kept ? 'unchanged' : 'fenced_off');
    return kept ? { outcome: 'committed', rotated: false } : { outcome: 'fenced_off' };
  }

  /**
   * Another claim came after ours, and both may have fetched. Which of the two values is WeChat's newest
   * is not known here, so the row becomes suspect and one settling refresh follows.
   */
  private async fencedOff(slot: CredentialSlot, attemptAtMs: number): Promise<void> {
    const { account, kind } = slot;
    this.logger.warn({ event: 'fenced_off', app_id: account.appId, kind: kind.name });
    slot.tally.claimed('fenced');
    // The account was removed: what was fetched for it counts no more, but if it was added again the
    // fetch may have ended the value that it has now.
    const heir = slot.isRetired ? this.store.slot(account.appId, kind.name) : slot;
    if (heir !== undefined) {
      heir.owe(attemptAtMs);
      await this.tellSuspicion(heir);
    }
  }

  /** Tells the row that a fetch of ours may have ended its value, as long as it has not been told. */
  async tellSuspicion(slot: CredentialSlot): Promise<void> {
    const { policy, row, untoldAttemptMs } = slot;
    if (untoldAttemptMs === undefined) {
      return;
    }
    // Where a repeat returns WeChat's newest value, it settles at once what a forced fetch left open.
    const quietMs = policy.fetchEndsOlderValue ? QUIET_MS * scaleOf(policy, row.lifetimeMs) : 0;
    const told = await this.tell(slot, () =>
      this.repository.markSuspect(row.id, untoldAttemptMs, Math.ceil(quietMs)),
    );
    // Nothing changed: the row is gone. Whichever row comes in its place has to learn it.
    if (told === true) {
      slot.owe(undefined);
    }
  }

  /** Writes how the refresh ended into its history; what cannot be written now, the next claim closes. */
  private async close(
    slot: CredentialSlot,
    claim: Claim,
    outcome: RefreshOutcome,
    failure?: RefreshFailure,
  ): Promise<void> {
    try {
      await this.history.close(claim, outcome, failure);
    } catch (error) {
      this.logger.warn({
        event: 'history_not_closed',
        app_id: slot.account.appId,
        kind: slot.kind.name,
        outcome,
        reason: toDatabaseError(error).driverCode,
      });
    }
  }

  /**
   * Runs a statement and reads the row again.
   * @returns what the statement said; undefined when the database did not answer one of the two
   */
  private async tell(
    slot: CredentialSlot,
    statement: () => Promise<boolean>,
  ): Promise<boolean | undefined> {
    try {
      const changed = await statement();
      await this.store.reload(slot);
      return changed;
    } catch (error) {
      const { driverCode } = toDatabaseError(error);
      slot.notBeforeMs = this.nowMs() + DATABASE_PAUSE_MS;
      this.logger.error({
        event: 'credential_not_stored',
        app_id: slot.account.appId,
        kind: slot.kind.name,
        reason: driverCode,
        advice: 'what is in memory is served meanwhile; the statement is repeated or settled later',
      });
      return undefined;
    }
  }

  private nowMs(): number {
    return Math.trunc(this.databaseClock.nowMs());
  }
}
