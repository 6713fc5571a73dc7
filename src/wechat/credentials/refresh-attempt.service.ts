import { Injectable, Logger } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseError } from '../../database/database-error.js';
import { Clock } from '../../time/clock.js';
import { ClaimService, type HeldClaim, type RefreshRequest } from './claim.service.js';
import { lifetimeMsOf, scaleOf } from './credential.policy.js';
import type { CredentialSlot } from './credential-slot.js';
import { CredentialStore } from './credential-store.js';
import { SettleService, type Settled } from './settle.service.js';

export type AttemptResult =
  | Settled
  /** Somebody else holds the lease, the floor has not passed or the ledger has no room. */
  | { readonly outcome: 'not_claimed' }
  /** The claim could not be made, so nothing was fetched. */
  | { readonly outcome: 'database_away' };

/** With less than this left, a stable token is fetched without a claim while the database is away. */
const LAST_RESORT_MS = 120_000;
const LAST_RESORT_APART_MS = 30_000;
const DATABASE_PAUSE_MS = 1_000;

/** One attempt at one credential: claim → budget → fetch → commit, or what went wrong instead. */
@Injectable()
export class RefreshAttemptService {
  private readonly logger = new Logger(RefreshAttemptService.name);
  private readonly lastResortAtMs = new WeakMap<CredentialSlot, number>();

  constructor(
    private readonly claims: ClaimService,
    private readonly settle: SettleService,
    private readonly store: CredentialStore,
    private readonly databaseClock: DatabaseClock,
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
    let claim: HeldClaim | undefined;
    try {
      claim = await this.claims.claim(slot, request);
    } catch (error) {
      if (error instanceof DatabaseError) {
        return this.withoutDatabase(slot);
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

  private async fetch(slot: CredentialSlot, claim: HeldClaim): Promise<Settled> {
    let fetched;
    try {
      fetched = await slot.kind.fetch(slot.account, { force: claim.forced });
    } catch (error) {
      return this.settle.fail(slot, claim, error);
    }
    return this.settle.succeed(slot, claim, fetched);
  }

  /**
   * The database cannot grant a claim. Where a repeated fetch returns the same value it does no harm
   * without one, so the last two minutes are not let pass; anywhere else nothing is fetched.
   */
  private async withoutDatabase(slot: CredentialSlot): Promise<AttemptResult> {
    const nowMs = Math.trunc(this.databaseClock.nowMs());
    slot.notBeforeMs = nowMs + DATABASE_PAUSE_MS;
    if (!this.mayUseLastResort(slot, nowMs)) {
      return { outcome: 'database_away' };
    }
    this.lastResortAtMs.set(slot, nowMs);
    try {
      const fetched = await slot.kind.fetch(slot.account, { force: false });
      const lifetimeMs = lifetimeMsOf(fetched.expiresIn);
      if (lifetimeMs === undefined || fetched.value === slot.live?.value) {
        return { outcome: 'database_away' };
      }
      slot.hold({
        version: slot.version + 1,
        value: fetched.value,
        obtainedAtMs: nowMs,
        expiresAtMs: nowMs + lifetimeMs,
        lifetimeMs: Math.max(lifetimeMs, slot.row.lifetimeMs),
        claim: undefined,
      });
      return { outcome: 'held' };
    } catch (error) {
      this.logger.warn({
        event: 'unclaimed_fetch_failed',
        app_id: slot.account.appId,
        reason: error instanceof Error ? error.message : 'unknown',
      });
      return { outcome: 'database_away' };
    }
  }

  private mayUseLastResort(slot: CredentialSlot, nowMs: number): boolean {
    const scale = scaleOf(slot.policy, slot.row.lifetimeMs);
    const lastAtMs = this.lastResortAtMs.get(slot) ?? -Infinity;
    return (
      !slot.policy.fetchEndsOlderValue &&
      this.store.servableMs(slot) < LAST_RESORT_MS * scale &&
      nowMs - lastAtMs >= LAST_RESORT_APART_MS * scale
    );
  }

  private report(
    slot: CredentialSlot,
    request: RefreshRequest,
    result: AttemptResult,
    durationMs: number,
  ): void {
    const line = {
      event: 'refresh',
      app_id: slot.account.appId,
      kind: slot.kind.name,
      cause: request.cause,
      forced: request.force,
      outcome: result.outcome,
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
