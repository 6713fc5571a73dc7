import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AppConfig } from '../../config/app-config.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { Clock } from '../../time/clock.js';
import { floorMs } from './credential.policy.js';
import {
  ClaimRepository,
  LONGEST_LEASE_MS,
  type Claim,
  type ClaimTerms,
} from './claim.repository.js';
import type { CredentialSlot } from './credential-slot.js';
import { CredentialStore } from './credential-store.js';
import {
  chinaDay,
  forcedAllowedAtMs,
  ledgerRoomAtMs,
  ledgerTerms,
  parseForcedAt,
} from './ledger.js';
import type { RefreshRequest } from './refresh-request.js';
import { neededMs, refreshTiming, type RefreshTiming } from './timing.js';

/** What decides when a claim may be made. */
type ClaimTime = Pick<RefreshRequest, 'cause' | 'force'>;

/** A claim that this process holds, with what it needs to know of the row at that moment. */
export interface HeldClaim extends Claim {
  /** The database's time of the claim, which lies before the call: the start of the new value's life. */
  readonly attemptAtMs: number;
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
    private readonly repository: ClaimRepository,
    private readonly store: CredentialStore,
    private readonly databaseClock: DatabaseClock,
    private readonly clock: Clock,
    config: AppConfig,
  ) {
    this.timing = refreshTiming(config.wechat.timeoutMs);
  }

  /**
   * @returns undefined when the claim was not won; the slot then holds the row that says why
   * @throws DatabaseError when the database does not answer; nothing may be fetched then
   */
  async claim(slot: CredentialSlot, request: RefreshRequest): Promise<HeldClaim | undefined> {
    if (this.startAtMs(slot, request) > this.databaseClock.nowMs()) {
      return undefined;
    }
    const startedMs = this.clock.monotonicMs();
    const terms = this.terms(slot, request);
    // A lost acknowledgement is no answer: whether the claim was won is read from the row in any case.
    const sent = await this.repository
      .claim(slot.row, terms)
      .catch((error: unknown) => ({ error }));
    await this.store.reload(slot);
    const { row } = slot;
    if (row.owner !== terms.owner || row.fence !== terms.fence) {
      if (typeof sent === 'object') {
        throw sent.error;
      }
      slot.tally.claimed('lost');
      return undefined;
    }
    slot.tally.claimed('won');
    return {
      id: row.id,
      owner: terms.owner,
      fence: terms.fence,
      attemptAtMs: row.claimedAt,
      forced: request.force !== 'no',
      startedMs,
    };
  }

  /** Whether enough of the lease is left to call WeChat and to commit before it ends. */
  leavesRoom(claim: HeldClaim): boolean {
    const elapsedMs = this.clock.monotonicMs() - claim.startedMs;
    return this.timing.leaseMs - elapsedMs >= neededMs(this.timing);
  }

  /**
   * Before this time no claim is won, as far as the row tells: the floor, and room in the ledger. A
   * lease that runs is not counted, since whoever holds it gives it back when it is done.
   */
  earliestAtMs(slot: CredentialSlot, request: ClaimTime): number {
    const { row, policy } = slot;
    const ledger = ledgerTerms(policy, row.lifetimeMs, request.cause);
    return Math.max(
      ...[row.claimedAt, row.fetchEndedAt]
        .filter((atMs) => !this.isFromBrokenClock(atMs))
        .map((atMs) => atMs + floorMs(policy, row.lifetimeMs)),
      ledgerRoomAtMs(ledger, row.ledgerFullAt, this.databaseClock.nowMs()),
      this.startAtMs(slot, request),
    );
  }

  /**
   * What the row asks for beyond what the claim's statement compares: the ledger of forced refreshes,
   * and for reports of a dead value the pause after a failure, which only an admin may pass over.
   */
  private startAtMs(slot: CredentialSlot, { cause, force }: ClaimTime): number {
    return Math.max(
      force === 'no' ? 0 : this.forcedAtMs(slot),
      cause === 'report' && slot.row.deadAt !== null ? slot.row.nextAttemptAt : 0,
    );
  }

  /** When a forced refresh is allowed; at most now when it is allowed now. */
  forcedAtMs(slot: CredentialSlot): number {
    return forcedAllowedAtMs(slot.policy, slot.row, this.databaseClock.nowMs());
  }

  isLeased(slot: CredentialSlot): boolean {
    const { leaseUntil } = slot.row;
    return leaseUntil > this.databaseClock.nowMs() && !this.isFromBrokenClock(leaseUntil);
  }

  /**
   * WeChat refuses the value, and an unforced fetch returned the same one: only a forced one helps.
   */
  needsForce(slot: CredentialSlot): boolean {
    return (
      slot.isDead &&
      slot.policy.forced !== undefined &&
      slot.row.forceNext === 1 &&
      this.forcedAtMs(slot) <= this.databaseClock.nowMs()
    );
  }

  private isFromBrokenClock(atMs: number): boolean {
    return atMs > this.databaseClock.nowMs() + LONGEST_LEASE_MS;
  }

  private terms(slot: CredentialSlot, request: RefreshRequest): ClaimTerms {
    const { row, policy, account } = slot;
    const nowMs = Math.trunc(this.databaseClock.nowMs());
    const forced = request.force !== 'no';
    const forcedAt = parseForcedAt(row.forcedAt, nowMs);
    return {
      owner: randomUUID(),
      fence: Math.max(row.fence, slot.version) + 1,
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
