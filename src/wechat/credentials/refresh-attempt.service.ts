import { Injectable, Logger } from '@nestjs/common';
import { DatabaseError } from '../../database/database-error.js';
import { Clock } from '../../time/clock.js';
import { ClaimService, type HeldClaim } from './claim.service.js';
import type { CredentialSlot } from './credential-slot.js';
import { LastResortService } from './last-resort.service.js';
import { RefreshHistoryRepository } from '../refresh-history/refresh-history.repository.js';
import { isReplaced, type RefreshRequest } from './refresh-request.js';
import { SettleService, type Settled } from './settle.service.js';

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
    private readonly history: RefreshHistoryRepository,
    private readonly lastResort: LastResortService,
    private readonly clock: Clock,
  ) {}

  async attempt(slot: CredentialSlot, request: RefreshRequest): Promise<AttemptResult> {
    const startedMs = this.clock.monotonicMs();
    const result = await this.claimAndFetch(slot, request);
    if (result.outcome !== 'not_claimed') {
      this.report(slot, request, result, this.clock.monotonicMs() - startedMs);
    }
    return result;
  }

  private async claimAndFetch(
    slot: CredentialSlot,
    request: RefreshRequest,
  ): Promise<AttemptResult> {
    // What is held already may only wait to be stored: a schedule that is due because of it is served by that.
    const held = slot.unstored;
    if (held?.claim !== undefined) {
      const stored = await this.settle.commit(slot, held.claim, held);
      if (stored.outcome === 'committed' && request.cause === 'schedule') {
        return stored;
      }
    }
    if (isReplaced(slot, request)) {
      return { outcome: 'not_claimed' };
    }
    let claim: HeldClaim | undefined;
    try {
      claim = await this.claims.claim(slot, request);
      if (claim !== undefined) {
        await this.writeDown(slot, request, claim);
      }
    } catch (error) {
      if (claim !== undefined) {
        await this.settle.release(slot, claim);
      }
      if (error instanceof DatabaseError) {
        return (await this.lastResort.fetch(slot))
          ? { outcome: 'held' }
          : { outcome: 'database_away' };
      }
      throw error;
    }
    if (claim === undefined) {
      return { outcome: 'not_claimed' };
    }
    if (!this.claims.leavesRoom(claim)) {
      // The claim took so long that somebody else could hold the lease before our answer is stored.
      await this.settle.release(slot, claim);
      return { outcome: 'not_claimed' };
    }
    return this.fetch(slot, claim);
  }

  /** What cannot be written down is not done: the row is the refresh's write-ahead history. */
  private async writeDown(
    slot: CredentialSlot,
    request: RefreshRequest,
    claim: HeldClaim,
  ): Promise<void> {
    await this.history.open(claim, {
      appId: slot.account.appId,
      kind: slot.kind.name,
      cause: request.cause,
      forced: request.force !== 'no',
      startedAtMs: claim.attemptAtMs,
      versionBefore: slot.row.version,
      origin: request.origin,
    });
    await this.history.closeAbandoned(claim, slot.row.version);
  }

  private async fetch(slot: CredentialSlot, claim: HeldClaim): Promise<Settled> {
    let fetched;
    try {
      fetched = await slot.kind.fetch(slot.account, { force: claim.forced });
    } catch (error) {
      return this.settle.fail(slot, claim, error);
    }
    return this.settle.succeed(slot, claim, fetched);
  }

  private report(
    slot: CredentialSlot,
    request: RefreshRequest,
    result: AttemptResult,
    durationMs: number,
  ): void {
    // As the history calls it: WeChat returned the value that was stored.
    const isSame = result.outcome === 'committed' && !result.rotated;
    const outcome = isSame ? 'unchanged' : result.outcome;
    slot.tally.attempted(request.cause, outcome, durationMs);
    const line = {
      event: 'refresh',
      ...(request.origin && { request_id: request.origin.requestId }),
      app_id: slot.account.appId,
      kind: slot.kind.name,
      cause: request.cause,
      forced: request.force !== 'no',
      outcome,
      version: slot.version,
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
