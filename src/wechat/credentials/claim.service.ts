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

/** A claim that this process holds, with what it needs to know of the row at that moment. */
export interface HeldClaim extends Claim {
  /** The database's time of the claim, which lies before the call: the start of the new value's life. */
  readonly claimedAtMs: number;
  readonly forced: boolean;
  /** This process's monotonic time before the claim was sent. */
  readonly startedMs: number;
}

/**
 * Takes the right to fetch, by one statement on the row. Who does not get it learns from the row, which
 * is read again, who has it or when it is free.
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
   * @returns undefined when the claim was not won; the credential then holds the row that says why
   * @throws DatabaseError when the database does not answer; nothing may be fetched then
   */
  async claim(credential: Credential, request: RefreshRequest): Promise<HeldClaim | undefined> {
    const nowMs = this.databaseClock.nowMs();
    if (allowedAtMs(credential.facts, request, nowMs) > nowMs) {
      return undefined;
    }
    const startedMs = this.clock.monotonicMs();
    const terms = this.terms(credential, request);
    // A lost acknowledgement is no answer: whether the claim was won is read from the row in any case.
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
  leavesRoom(claim: HeldClaim): boolean {
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
