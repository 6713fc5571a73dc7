import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AppConfig } from '../../config/app-config.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { Clock } from '../../time/clock.js';
import { floorMs } from './credential.policy.js';
import { CredentialRepository, type ClaimTerms } from './credential.repository.js';
import type { Claim } from './credential-facts.js';
import type { Credential } from './credential.js';
import { CredentialStore } from './credential-store.js';
import { allowedAtMs } from './credential-view.js';
import { chinaDay, ledgerTerms, parseForcedAt } from './ledger.js';
import type { RefreshRequest } from './refresh-request.js';
import { neededMs, refreshTiming, type RefreshTiming } from './timing.js';

/** A claim of this process, with the row's facts at that moment. */
export interface WonClaim extends Claim {
  /** The database's time of the claim, which lies before the call: the start of the new value's life. */
  readonly claimedAtMs: number;
  readonly forced: boolean;
  /** This process's monotonic time before the claim was sent. */
  readonly startedMs: number;
}

/**
 * Acquires the lease with one UPDATE. On failure the reloaded row shows who has it, or when it becomes free.
 */
@Injectable()
export class ClaimService {
  readonly timing: RefreshTiming;

  constructor(
    private readonly repository: CredentialRepository,
    private readonly store: CredentialStore,
    private readonly databaseClock: DatabaseClock,
    private readonly clock: Clock,
    config: AppConfig,
  ) {
    this.timing = refreshTiming(config.wechat.timeoutMs);
  }

  /**
   * @returns undefined when the claim was not won; the reloaded row says why
   * @throws DatabaseError when the database does not answer; nothing may be fetched then
   */
  async claim(credential: Credential, request: RefreshRequest): Promise<WonClaim | undefined> {
    const nowMs = this.databaseClock.nowMs();
    if (allowedAtMs(credential.facts, request, nowMs) > nowMs) {
      return undefined;
    }
    const startedMs = this.clock.monotonicMs();
    const terms = this.terms(credential, request);
    // The acknowledgement may be lost, so the row tells whether the claim was won.
    const sent = await this.repository
      .claim(credential.row, terms)
      .catch((error: unknown) => ({ error }));
    await this.store.reload(credential);
    const { row } = credential;
    if (row.owner !== terms.owner || row.fence !== terms.fence) {
      if (typeof sent === 'object') {
        throw sent.error;
      }
      credential.counters.claimed('lost');
      return undefined;
    }
    credential.counters.claimed('won');
    return {
      id: row.id,
      owner: terms.owner,
      fence: terms.fence,
      claimedAtMs: row.claimedAt,
      forced: request.force !== 'no',
      startedMs,
    };
  }

  /** Whether enough of the lease is left to call WeChat and to commit before it ends. */
  leavesRoom(claim: WonClaim): boolean {
    const elapsedMs = this.clock.monotonicMs() - claim.startedMs;
    return this.timing.leaseMs - elapsedMs >= neededMs(this.timing);
  }

  private terms(credential: Credential, request: RefreshRequest): ClaimTerms {
    const { row, policy, account } = credential;
    const nowMs = Math.trunc(this.databaseClock.nowMs());
    const forced = request.force !== 'no';
    const forcedAt = parseForcedAt(row.forcedAt, nowMs);
    return {
      owner: randomUUID(),
      fence: Math.max(row.fence, credential.version) + 1,
      leaseMs: this.timing.leaseMs,
      floorMs: floorMs(policy, row.lifetimeMs),
      ledger: ledgerTerms(policy, row.lifetimeMs, request.cause),
      forced,
      forcedAt: (forced ? [...forcedAt, nowMs] : forcedAt).join(','),
      configVersion: account.configVersion,
      callsDay: chinaDay(nowMs),
    };
  }
}
