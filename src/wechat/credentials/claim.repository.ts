import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service.js';
import type { CredentialEntity } from './credential.entity.js';
import {
  RELEASED,
  SETTLED,
  updateCredential,
  type ColumnExpressions,
} from './credential-update.js';
import type { Claim } from './credential-facts.js';
import { CredentialSealer } from './credential-sealer.js';
import { LONGEST_LEASE_MS } from './credential-view.js';
import { LONGEST_LEDGER_MS, type LedgerTerms } from './ledger.js';
import type { RefreshFailure } from './refresh-failure.js';

export interface ClaimTerms {
  readonly owner: string;
  readonly fence: number;
  readonly leaseMs: number;
  readonly floorMs: number;
  readonly ledger: LedgerTerms;
  readonly forced: boolean;
  readonly forcedAt: string;
  readonly configVersion: number;
  readonly callsDay: number;
}

export interface CommittedValue {
  readonly value: string;
  /** Of the value that this one replaces (value-hash.ts); null where there is none, or WeChat refused it. */
  readonly previousHash: string | null;
  /** How long WeChat accepts the replaced value beside the new one. */
  readonly overlapMs: number;
  readonly expiresAtMs: number;
  readonly lifetimeMs: number;
  readonly nextAttemptAtMs: number;
}

/** What changes when WeChat returned the stored value again. */
export type KeptValue = Pick<CommittedValue, 'expiresAtMs' | 'lifetimeMs' | 'nextAttemptAtMs'> & {
  /** The claim's fence where clients may have seen a greater version than the row's; else the row's. */
  readonly version: number;
};

export interface RecordedFailure {
  readonly failure: RefreshFailure;
  readonly retryDelayMs: number;
  /** An unknown outcome of a fetch that ends the older value. */
  readonly suspect: boolean;
  /** An unknown outcome of a forced refresh: the value counts as dead. */
  readonly dead: boolean;
  /** WeChat returned again the value that it refuses. */
  readonly forceNext: boolean;
}

/**
 * The statements of the refresh protocol (docs/adr/0003): a claim, and the four ways in which it ends.
 * Each is one autocommit statement that compares what it must not overrun, by the database's clock.
 * Columns that an expression reads are assigned after it, since MySQL evaluates SET from left to right
 * on the changed row.
 */
@Injectable()
export class ClaimRepository {
  constructor(
    private readonly database: DatabaseService,
    private readonly sealer: CredentialSealer,
  ) {}

  /**
   * Takes the lease, raises the fence and books the fetch, or changes nothing: when somebody else's
   * lease runs, the row has changed, the floor has not passed, the ledger has no room, or somebody has
   * tried already with a newer secret or mode than is known here. A row that is
   * in flight past its lease belonged to a process that died: it becomes suspect in the same statement.
   */
  claim(seen: CredentialEntity, terms: ClaimTerms): Promise<boolean> {
    const now = this.database.nowMs;
    const { ledger } = terms;
    const booked = `(CASE WHEN ledger_full_at > ${now} AND ledger_full_at <= ${now} + :longestLedgerMs THEN ledger_full_at ELSE ${now} END + :intervalMs)`;
    const hasRoom = ledger.roomMs === undefined ? '1 = 1' : `${booked} <= ${now} + :roomMs`;
    const holderDied = 'owner IS NOT NULL AND attempt_forced = 0';
    return updateCredential(
      this.database,
      seen.id,
      {
        suspectAt: () =>
          `CASE WHEN ${holderDied} AND (suspect_at IS NULL OR suspect_at > claimed_at) THEN claimed_at ELSE suspect_at END`,
        unknownOutcomes: () =>
          `CASE WHEN ${holderDied} THEN unknown_outcomes + 1 ELSE unknown_outcomes END`,
        deadAt: () =>
          `CASE WHEN owner IS NOT NULL AND attempt_forced = 1 AND dead_at IS NULL THEN claimed_at ELSE dead_at END`,
        ledgerFullAt: () =>
          `CASE WHEN ${booked} > ${now} + :capacityMs THEN ${now} + :capacityMs ELSE ${booked} END`,
        claimedAt: () => now,
        leaseUntil: () => `${now} + :leaseMs`,
        callsToday: () => 'CASE WHEN calls_day = :callsDay THEN calls_today + 1 ELSE 1 END',
        callsDay: terms.callsDay,
        attemptForced: terms.forced ? 1 : 0,
        forcedAt: terms.forcedAt,
        configVersion: terms.configVersion,
        owner: terms.owner,
        fence: terms.fence,
      },
      [
        `version = :seenVersion AND fence = :seenFence AND config_version <= :knownConfigVersion
        AND (lease_until <= ${now} OR lease_until > ${now} + :longestLeaseMs)
        AND (claimed_at + :floorMs <= ${now} OR claimed_at > ${now} + :longestLeaseMs)
        AND (fetch_ended_at + :floorMs <= ${now} OR fetch_ended_at > ${now} + :longestLeaseMs)
        AND ${hasRoom}`,
        {
          seenVersion: seen.version,
          seenFence: seen.fence,
          knownConfigVersion: terms.configVersion,
          leaseMs: terms.leaseMs,
          floorMs: terms.floorMs,
          longestLeaseMs: LONGEST_LEASE_MS,
          callsDay: terms.callsDay,
          longestLedgerMs: LONGEST_LEDGER_MS,
          intervalMs: ledger.intervalMs,
          capacityMs: ledger.capacityMs,
          roomMs: ledger.roomMs,
        },
      ],
    );
  }

  /**
   * Stores a new value under the fence of its claim. The replaced value is good for the overlap, counted
   * from the claim, since WeChat minted the new one after it; but not where WeChat refused it, nor where it was
   * replaced by force, as one that leaked is.
   */
  commit(claim: Claim, committed: CommittedValue): Promise<boolean> {
    const [where, parameters] = underClaim(claim);
    return updateCredential(
      this.database,
      claim.id,
      {
        previousHash: committed.previousHash,
        previousUntil: () =>
          `CASE WHEN dead_at IS NOT NULL OR attempt_forced = 1 THEN NULL
            WHEN expires_at < claimed_at + :overlapMs THEN expires_at
            ELSE claimed_at + :overlapMs END`,
        ...SETTLED,
        value: this.sealer.seal(claim.id, committed.value),
        version: claim.fence,
        obtainedAt: () => 'claimed_at',
        expiresAt: committed.expiresAtMs,
        lifetimeMs: committed.lifetimeMs,
        nextAttemptAt: committed.nextAttemptAtMs,
        fetchEndedAt: () => this.database.nowMs,
      },
      [where, { ...parameters, overlapMs: committed.overlapMs }],
    );
  }

  /** WeChat returned the stored value again: no rotation; the deadline stays. */
  commitSame(claim: Claim, committed: KeptValue): Promise<boolean> {
    return updateCredential(
      this.database,
      claim.id,
      {
        ...SETTLED,
        version: committed.version,
        expiresAt: committed.expiresAtMs,
        lifetimeMs: committed.lifetimeMs,
        nextAttemptAt: committed.nextAttemptAtMs,
        fetchEndedAt: () => this.database.nowMs,
      },
      underClaim(claim),
    );
  }

  /** Gives the lease back with what went wrong, and says when to try again. */
  fail(claim: Claim, recorded: RecordedFailure): Promise<boolean> {
    const now = this.database.nowMs;
    const suspect: ColumnExpressions = recorded.suspect
      ? {
          suspectAt: () =>
            'CASE WHEN suspect_at IS NULL OR suspect_at > claimed_at THEN claimed_at ELSE suspect_at END',
          unknownOutcomes: () => 'unknown_outcomes + 1',
        }
      : {};
    const dead: ColumnExpressions = recorded.dead
      ? { deadAt: () => `CASE WHEN dead_at IS NULL THEN ${now} ELSE dead_at END` }
      : {};
    const [where, parameters] = underClaim(claim);
    return updateCredential(
      this.database,
      claim.id,
      {
        ...suspect,
        ...dead,
        ...RELEASED,
        failures: () => 'failures + 1',
        forceNext: recorded.forceNext ? 1 : 0,
        lastError: JSON.stringify(recorded.failure),
        nextAttemptAt: () => `${now} + :retryDelayMs`,
        fetchEndedAt: () => this.database.nowMs,
      },
      [where, { ...parameters, retryDelayMs: recorded.retryDelayMs }],
    );
  }

  /** Gives the lease back when WeChat was not called. */
  release(claim: Claim): Promise<boolean> {
    return updateCredential(this.database, claim.id, RELEASED, underClaim(claim));
  }
}

function underClaim(claim: Claim): [where: string, parameters: Record<string, unknown>] {
  return ['fence = :fence AND owner = :owner', { fence: claim.fence, owner: claim.owner }];
}
