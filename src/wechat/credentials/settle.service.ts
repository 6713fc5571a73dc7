import { Injectable } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { WechatCallError } from '../api/wechat-call.error.js';
import type { WonClaim } from './claim.service.js';
import type { FetchedValue } from './credential-kind.js';
import { jitterOf, nextDueAtMs } from './credential.policy.js';
import { CredentialRepository } from './credential.repository.js';
import type { PendingCommit } from './credential-facts.js';
import { credentialView, storedOf } from './credential-view.js';
import { OutboxService, type Settled } from './outbox.service.js';
import { toPendingCommit, unusableAnswer } from './fetched-value.js';
import type { Credential } from './credential.js';
import { describeFailure, parseFailure, SameValueError } from './refresh-failure.js';
import { retryDelayMs } from './retry.policy.js';

/** Ends a claim: writes what came of the fetch under the claim's fence, and takes it into memory. */
@Injectable()
export class SettleService {
  constructor(
    private readonly repository: CredentialRepository,
    private readonly outbox: OutboxService,
    private readonly databaseClock: DatabaseClock,
  ) {}

  /** The fetch brought a value. */
  async succeed(credential: Credential, claim: WonClaim, fetched: FetchedValue): Promise<Settled> {
    const value = toPendingCommit(credential, claim, fetched);
    if (value === undefined) {
      return this.fail(credential, claim, unusableAnswer(credential));
    }
    if (storedOf(credential.facts)?.value !== value.value) {
      return this.outbox.commit(credential, claim, value);
    }
    return credential.view.isStoredDead
      ? this.fail(credential, claim, new SameValueError())
      : this.keep(credential, claim, value);
  }

  /** The fetch brought none, or a value that cannot be one. */
  async fail(credential: Credential, claim: WonClaim, error: unknown): Promise<Settled> {
    const { row, policy } = credential;
    const failure = describeFailure(error, parseFailure(row.lastError), this.nowMs());
    const isUnknown = failure.failureClass === 'unknown_outcome';
    const suspect = isUnknown && policy.fetchEndsOlderValue;
    // The row as it will be: our own claim, which is still in flight, does not make the value suspect.
    const after = {
      ...row,
      owner: null,
      suspectAt: suspect ? (row.suspectAt ?? row.claimedAt) : row.suspectAt,
      unknownOutcomes: row.unknownOutcomes + (suspect ? 1 : 0),
    };
    const nowMs = this.nowMs();
    const { effectiveExpiresAtMs } = credentialView({ ...credential.facts, row: after }, nowMs);
    // After a forced fetch of unknown outcome, an unforced one at once returns WeChat's newest value.
    const dead = isUnknown && claim.forced;
    const delayMs = retryDelayMs(policy, {
      ...failure,
      unknownOutcomes: after.unknownOutcomes,
      retryAfterMs: error instanceof WechatCallError ? error.retryAfterMs : undefined,
      servableMs: effectiveExpiresAtMs - nowMs,
      lifetimeMs: row.lifetimeMs,
      jitter: jitterOf(credential.account.appId, claim.fence),
    });
    const recorded = await this.outbox.write(credential, () =>
      this.repository.fail(claim, {
        failure,
        retryDelayMs: dead ? 0 : delayMs,
        suspect,
        dead,
        forceNext: error instanceof SameValueError,
      }),
    );
    // Not recorded: the claim was taken over, its row is gone, or the database did not answer. The row must become suspect.
    const isLost =
      recorded === false || (recorded === undefined && credential.row.owner !== claim.owner);
    if (isUnknown && isLost) {
      await this.outbox.addSuspicion(credential, claim.claimedAtMs);
    }
    await this.outbox.close(credential, claim, 'failed', failure);
    return { outcome: 'failed', failure };
  }

  /** WeChat was not called: the claim is given back. */
  async release(credential: Credential, claim: WonClaim): Promise<void> {
    await this.outbox.write(credential, () => this.repository.release(claim));
    await this.outbox.close(credential, claim, 'released');
  }

  /** WeChat returned the value that is stored already. */
  private async keep(
    credential: Credential,
    claim: WonClaim,
    value: PendingCommit,
  ): Promise<Settled> {
    const { row, account, policy } = credential;
    // WeChat counts in whole seconds, so the same end comes back a little earlier or later.
    const expiresAtMs = Math.min(row.expiresAt, value.expiresAtMs);
    // Clients of this process may have seen a greater version than the row's: one does not go back.
    const version = credential.version > row.version ? claim.fence : row.version;
    const life = { ...value, expiresAtMs, obtainedAtMs: row.obtainedAt, version };
    const kept = await this.outbox.write(credential, () =>
      this.repository.commitSame(claim, {
        version,
        expiresAtMs,
        lifetimeMs: value.lifetimeMs,
        nextAttemptAtMs: nextDueAtMs(policy, { ...life, appId: account.appId }, this.nowMs()),
      }),
    );
    if (kept === undefined) {
      return { outcome: 'pending' };
    }
    await this.outbox.close(credential, claim, kept ? 'unchanged' : 'fenced_off');
    return kept ? { outcome: 'committed', rotated: false } : { outcome: 'fenced_off' };
  }

  private nowMs(): number {
    return Math.trunc(this.databaseClock.nowMs());
  }
}
