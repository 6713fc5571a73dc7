import { Injectable, Logger } from '@nestjs/common';
import { DatabaseError } from '../../database/database-error.js';
import { Clock } from '../../time/clock.js';
import { ClaimService, type WonClaim } from './claim.service.js';
import type { Credential } from './credential.js';
import { UnclaimedFetchService } from './unclaimed-fetch.service.js';
import { RefreshHistoryRepository } from '../refresh-history/refresh-history.repository.js';
import { isReplaced, type RefreshRequest } from './refresh-request.js';
import { OutboxService, type Settled } from './outbox.service.js';
import { SettleService } from './settle.service.js';

export type AttemptResult =
  | Settled
  /**
   * Somebody else holds the lease, the floor has not passed, the ledger has no room, or what was to be replaced
   * has been replaced.
   */
  | { readonly outcome: 'not_claimed' }
  /** The claim could not be made, so nothing was fetched. */
  | { readonly outcome: 'database_away' };

/** One attempt at one credential: claim → budget → fetch → commit, or what went wrong instead. */
@Injectable()
export class RefreshAttemptService {
  private readonly logger = new Logger(RefreshAttemptService.name);

  constructor(
    private readonly claims: ClaimService,
    private readonly settle: SettleService,
    private readonly outbox: OutboxService,
    private readonly history: RefreshHistoryRepository,
    private readonly unclaimed: UnclaimedFetchService,
    private readonly clock: Clock,
  ) {}

  async attempt(credential: Credential, request: RefreshRequest): Promise<AttemptResult> {
    const startedMs = this.clock.monotonicMs();
    const result = await this.claimAndFetch(credential, request);
    if (result.outcome !== 'not_claimed') {
      this.report(credential, request, result, this.clock.monotonicMs() - startedMs);
    }
    return result;
  }

  private async claimAndFetch(
    credential: Credential,
    request: RefreshRequest,
  ): Promise<AttemptResult> {
    // A pending value only has to be stored. If the schedule was due because of it, that is all.
    const { pending } = credential.facts;
    if (pending?.claim !== undefined) {
      const stored = await this.outbox.commit(credential, pending.claim, pending);
      if (stored.outcome === 'committed' && request.cause === 'schedule') {
        return stored;
      }
    }
    if (isReplaced(credential.facts, credential.view, request)) {
      return { outcome: 'not_claimed' };
    }
    let claim: WonClaim | undefined;
    try {
      claim = await this.claims.claim(credential, request);
      if (claim !== undefined) {
        await this.writeDown(credential, request, claim);
      }
    } catch (error) {
      if (claim !== undefined) {
        await this.settle.release(credential, claim);
      }
      if (error instanceof DatabaseError) {
        return (await this.unclaimed.fetch(credential))
          ? { outcome: 'pending' }
          : { outcome: 'database_away' };
      }
      throw error;
    }
    if (claim === undefined) {
      return { outcome: 'not_claimed' };
    }
    if (!this.claims.leavesRoom(claim)) {
      // The claim took so long that the lease could pass to somebody else before our answer is stored.
      await this.settle.release(credential, claim);
      return { outcome: 'not_claimed' };
    }
    return this.fetch(credential, claim);
  }

  /** Write-ahead: a refresh that cannot be recorded is not made. */
  private async writeDown(
    credential: Credential,
    request: RefreshRequest,
    claim: WonClaim,
  ): Promise<void> {
    await this.history.open(claim, {
      appId: credential.account.appId,
      kind: credential.kind.name,
      cause: request.cause,
      forced: request.force !== 'no',
      startedAtMs: claim.claimedAtMs,
      versionBefore: credential.row.version,
      origin: request.origin,
    });
    await this.history.closeAbandoned(claim, credential.row.version);
  }

  private async fetch(credential: Credential, claim: WonClaim): Promise<Settled> {
    let fetched;
    try {
      fetched = await credential.kind.fetch(credential.account, { force: claim.forced });
    } catch (error) {
      return this.settle.fail(credential, claim, error);
    }
    return this.settle.succeed(credential, claim, fetched);
  }

  private report(
    credential: Credential,
    request: RefreshRequest,
    result: AttemptResult,
    durationMs: number,
  ): void {
    // As the history calls it: WeChat returned the value that was stored.
    const isSame = result.outcome === 'committed' && !result.rotated;
    const outcome = isSame ? 'unchanged' : result.outcome;
    credential.counters.attempted(request.cause, outcome, durationMs);
    const line = {
      event: 'refresh',
      ...(request.origin && { request_id: request.origin.requestId }),
      app_id: credential.account.appId,
      kind: credential.kind.name,
      cause: request.cause,
      forced: request.force !== 'no',
      outcome,
      version: credential.version,
      duration_ms: Math.round(durationMs),
    };
    if (result.outcome === 'failed') {
      const { code, errcode, errmsg, advice } = result.failure;
      this.logger.warn({ ...line, code, errcode, errmsg, advice });
    } else {
      this.logger.log(line);
    }
  }
}
