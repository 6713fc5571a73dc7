import { Injectable, Logger } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { toDatabaseError } from '../../database/database-error.js';
import { RefreshHistoryRepository } from '../refresh-history/refresh-history.repository.js';
import type { RefreshOutcome } from '../refresh-history/refresh-outcome.js';
import type { Claim, PendingCommit } from './credential-facts.js';
import type { Credential } from './credential.js';
import { nextDueAtMs, overlapServedMs, scaleOf } from './credential.policy.js';
import { CredentialRepository } from './credential.repository.js';
import { CredentialSealer } from './credential-sealer.js';
import { CredentialStore } from './credential-store.js';
import type { RefreshFailure } from './refresh-failure.js';
import { outgoingHash } from './credential-view.js';

/** Long enough for a request that is still on its way to arrive before the one that settles. */
const QUIET_MS = 20_000;
/** How long this process leaves a database alone that did not take a statement. */
const DATABASE_PAUSE_MS = 1_000;

export type Settled =
  /** In the row; `rotated` says whether it is another value than before. */
  | { readonly outcome: 'committed'; readonly rotated: boolean }
  /** Served from memory until the database takes it. */
  | { readonly outcome: 'pending' }
  /** Somebody else's claim came after ours: what they store counts. */
  | { readonly outcome: 'fenced_off' }
  | { readonly outcome: 'failed'; readonly failure: RefreshFailure };

/**
 * Writes to the row what a process has learned: a new value, a suspicion, a death. Each is written at once. What the
 * database did not take stays in the credential's facts, and is written again once a second until the row has it.
 *
 *   a fetched value ─▶ commit ─┬─ taken ─────────────▶ in the row
 *                              ├─ unanswered ────────▶ pending, served from memory; written again
 *                              └─ a later claim won ─▶ dropped; if it was served before, kept as fenced off
 *   a fetch that may have ended the row's value ─▶ pending suspicion ─▶ in the row
 *   a death ─▶ dead in memory ─▶ in the row
 */
@Injectable()
export class OutboxService {
  private readonly logger = new Logger(OutboxService.name);

  constructor(
    private readonly repository: CredentialRepository,
    private readonly sealer: CredentialSealer,
    private readonly history: RefreshHistoryRepository,
    private readonly store: CredentialStore,
    private readonly clock: DatabaseClock,
  ) {}

  /** Writes all that the row does not have yet. @throws DatabaseError */
  async flush(credential: Credential): Promise<void> {
    const { pending } = credential.facts;
    if (pending?.claim !== undefined) {
      await this.commit(credential, pending.claim, pending);
    }
    await this.flushSuspicion(credential);
    await this.flushDeath(credential, false);
  }

  /** Stores a value under its claim; while the database is away it is served from memory. */
  async commit(credential: Credential, claim: Claim, value: PendingCommit): Promise<Settled> {
    const { facts, account, policy } = credential;
    const nowMs = Math.trunc(this.clock.nowMs());
    const committed = await this.write(credential, () =>
      this.repository.commit(claim, {
        value: this.sealer.seal(claim.id, value.value),
        previousHash: outgoingHash(facts, value.value),
        overlapMs: Math.floor(overlapServedMs(policy, value.lifetimeMs)),
        expiresAtMs: value.expiresAtMs,
        lifetimeMs: value.lifetimeMs,
        nextAttemptAtMs: nextDueAtMs(policy, { ...value, appId: account.appId }, nowMs),
      }),
    );
    // An acknowledgement may have been lost on the way: the row tells whether the commit was ours.
    if (credential.row.version === claim.fence) {
      await this.close(credential, claim, 'committed');
      return { outcome: 'committed', rotated: true };
    }
    if (committed === undefined) {
      credential.addPending(value);
      return { outcome: 'pending' };
    }
    credential.fenceOff(value.version);
    await this.addSuspicion(credential, value.obtainedAtMs);
    await this.close(credential, claim, 'fenced_off');
    return { outcome: 'fenced_off' };
  }

  /**
   * A fetch of ours ended outside its claim: another claim came after it, and both may have fetched. Which of the two
   * values is WeChat's newest is not known here, so the row becomes suspect, and one settling refresh follows.
   */
  async addSuspicion(credential: Credential, claimedAtMs: number): Promise<void> {
    const { account, kind } = credential;
    this.logger.warn({ event: 'fenced_off', app_id: account.appId, kind: kind.name });
    credential.counters.claimed('fenced');
    // The account was removed: the fetched value counts no more, but if the account was added again, the fetch may have
    // ended the value that it has now.
    const successor = credential.isRetired ? this.store.find(account.appId, kind.name) : credential;
    successor?.addPendingSuspicion(claimedAtMs);
    if (successor !== undefined) {
      await this.flushSuspicion(successor);
    }
  }

  /** @param foreign somebody else has replaced it @throws DatabaseError */
  async flushDeath(credential: Credential, foreign: boolean): Promise<void> {
    const { row, view } = credential;
    // A value that the row does not have cannot be marked there: it is dead in memory alone.
    if (view.isDead && row.deadAt === null && view.isLiveStored) {
      await this.repository.markDead(row, foreign);
      await this.store.reload(credential);
    }
  }

  /**
   * Runs a statement and reads the row again.
   * @returns what the statement said; undefined when the database did not answer one of the two
   */
  async write(
    credential: Credential,
    statement: () => Promise<boolean>,
  ): Promise<boolean | undefined> {
    try {
      const changed = await statement();
      await this.store.reload(credential);
      return changed;
    } catch (error) {
      const { driverCode } = toDatabaseError(error);
      credential.pauseForDatabase(this.clock.nowMs() + DATABASE_PAUSE_MS);
      this.logger.error({
        event: 'credential_not_stored',
        app_id: credential.account.appId,
        kind: credential.kind.name,
        reason: driverCode,
        advice: 'what is in memory is served meanwhile; the statement is repeated or settled later',
      });
      return undefined;
    }
  }

  /** Writes how the refresh ended into its history; what cannot be written now, the next claim closes. */
  async close(
    credential: Credential,
    claim: Claim,
    outcome: RefreshOutcome,
    failure?: RefreshFailure,
  ): Promise<void> {
    try {
      await this.history.close(claim, outcome, failure);
    } catch (error) {
      this.logger.warn({
        event: 'history_not_closed',
        app_id: credential.account.appId,
        kind: credential.kind.name,
        outcome,
        reason: toDatabaseError(error).driverCode,
      });
    }
  }

  private async flushSuspicion(credential: Credential): Promise<void> {
    const { policy, row, facts } = credential;
    const { pendingSuspicionMs } = facts;
    if (pendingSuspicionMs === undefined) {
      return;
    }
    // Where a repeat returns WeChat's newest value, it settles at once what a forced fetch left open.
    const quietMs = policy.fetchEndsOlderValue ? QUIET_MS * scaleOf(policy, row.lifetimeMs) : 0;
    const written = await this.write(credential, () =>
      this.repository.markSuspect(row.id, pendingSuspicionMs, Math.ceil(quietMs)),
    );
    // Nothing changed: the row is gone. Whichever row comes in its place has to learn it.
    if (written === true) {
      credential.suspicionFlushed();
    }
  }
}
