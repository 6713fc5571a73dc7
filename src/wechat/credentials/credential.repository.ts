import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { UpdateQueryBuilder } from 'typeorm';
import { isUniqueViolation } from '../../database/database-error.js';
import { DatabaseService } from '../../database/database.service.js';
import { CredentialEntity } from './credential.entity.js';
import type { LedgerTerms } from './ledger.js';
import type { RefreshFailure } from './refresh-failure.js';

type ColumnExpressions = Parameters<UpdateQueryBuilder<CredentialEntity>['set']>[0];

/** A claim that was won: what its commit, failure or release must prove. */
export interface Claim {
  readonly id: string;
  readonly owner: string;
  readonly fence: number;
}

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
  /** Sealed. */
  readonly value: string;
  readonly expiresAtMs: number;
  readonly lifetimeMs: number;
  readonly nextAttemptAtMs: number;
}

export interface RecordedFailure {
  readonly failure: RefreshFailure;
  readonly retryDelayMs: number;
  /** An unknown outcome of a fetch that ends the older value. */
  readonly suspect: boolean;
  /** An unknown outcome of a forced refresh: the value counts as dead. */
  readonly dead: boolean;
}

/** No clock that is right gives a lease or an attempt further ahead than this: a broken one is passed over. */
export const LONGEST_LEASE_MS = 120_000;

/**
 * The statements of the refresh protocol (docs/adr/0003). Each is one autocommit statement that compares
 * what it must not overrun, by the database's clock. Columns that an expression reads are assigned after
 * it, since MySQL evaluates SET from left to right on the changed row.
 */
@Injectable()
export class CredentialRepository {
  constructor(private readonly database: DatabaseService) {}

  loadAll(): Promise<CredentialEntity[]> {
    return this.database.run((source) => source.getRepository(CredentialEntity).find());
  }

  load(id: string): Promise<CredentialEntity | null> {
    return this.database.run((source) => source.getRepository(CredentialEntity).findOneBy({ id }));
  }

  find(appId: string, kind: string): Promise<CredentialEntity | null> {
    return this.database.run((source) =>
      source.getRepository(CredentialEntity).findOneBy({ appId, kind }),
    );
  }

  /** Every row's id and revision: what a replica polls to learn which rows to read again. */
  loadRevisions(): Promise<{ id: string; revision: number }[]> {
    return this.database.run((source) =>
      source.getRepository(CredentialEntity).find({ select: { id: true, revision: true } }),
    );
  }

  /** Makes an empty row, unless there is one. */
  async insertEmpty(appId: string, kind: string): Promise<void> {
    const row = { ...EMPTY, id: randomUUID(), appId, kind };
    try {
      await this.database.run((source) =>
        source
          .createQueryBuilder()
          .insert()
          .into(CredentialEntity)
          .values(row)
          .updateEntity(false)
          .execute(),
      );
    } catch (error) {
      if (!isUniqueViolation(error)) {
        throw error;
      }
    }
  }

  /**
   * Takes the lease, raises the fence and books the fetch, or changes nothing: when somebody else's
   * lease runs, the row has changed, the floor has not passed or the ledger has no room. A row that is
   * in flight past its lease belonged to a process that died: it becomes suspect in the same statement.
   */
  claim(seen: CredentialEntity, terms: ClaimTerms): Promise<boolean> {
    const now = this.database.nowMs;
    const { ledger } = terms;
    const booked = `(CASE WHEN ledger_full_at > ${now} THEN ledger_full_at ELSE ${now} END + :intervalMs)`;
    const hasRoom = ledger.roomMs === undefined ? '1 = 1' : `${booked} <= ${now} + :roomMs`;
    const holderDied = 'owner IS NOT NULL AND attempt_forced = 0';
    return this.update(
      seen.id,
      {
        suspectAt: () =>
          `CASE WHEN ${holderDied} AND (suspect_at IS NULL OR suspect_at > attempt_at) THEN attempt_at ELSE suspect_at END`,
        unknownOutcomes: () =>
          `CASE WHEN ${holderDied} THEN unknown_outcomes + 1 ELSE unknown_outcomes END`,
        deadAt: () =>
          `CASE WHEN owner IS NOT NULL AND attempt_forced = 1 AND dead_at IS NULL THEN attempt_at ELSE dead_at END`,
        ledgerFullAt: () =>
          `CASE WHEN ${booked} > ${now} + :capacityMs THEN ${now} + :capacityMs ELSE ${booked} END`,
        attemptAt: () => now,
        leaseUntil: () => `${now} + :leaseMs`,
        callsToday: () => 'CASE WHEN calls_day = :callsDay THEN calls_today + 1 ELSE 1 END',
        callsDay: terms.callsDay,
        attemptForced: terms.forced ? 1 : 0,
        forcedAt: terms.forcedAt,
        configVersion: terms.configVersion,
        owner: terms.owner,
        fence: terms.fence,
      },
      `version = :seenVersion AND fence = :seenFence
        AND (lease_until <= ${now} OR lease_until > ${now} + :longestLeaseMs)
        AND (attempt_at + :floorMs <= ${now} OR attempt_at > ${now} + :longestLeaseMs)
        AND ${hasRoom}`,
      {
        seenVersion: seen.version,
        seenFence: seen.fence,
        leaseMs: terms.leaseMs,
        floorMs: terms.floorMs,
        longestLeaseMs: LONGEST_LEASE_MS,
        callsDay: terms.callsDay,
        intervalMs: ledger.intervalMs,
        capacityMs: ledger.capacityMs,
        roomMs: ledger.roomMs,
      },
    );
  }

  /** Stores a new value under the fence of its claim. */
  commit(claim: Claim, committed: CommittedValue): Promise<boolean> {
    return this.update(
      claim.id,
      {
        ...SETTLED,
        value: committed.value,
        version: claim.fence,
        obtainedAt: () => 'attempt_at',
        expiresAt: committed.expiresAtMs,
        lifetimeMs: committed.lifetimeMs,
        nextAttemptAt: committed.nextAttemptAtMs,
      },
      ...underClaim(claim),
    );
  }

  /** WeChat returned the stored value again: no rotation; version and deadline stay. */
  commitSame(claim: Claim, committed: Omit<CommittedValue, 'value'>): Promise<boolean> {
    return this.update(
      claim.id,
      {
        ...SETTLED,
        expiresAt: committed.expiresAtMs,
        lifetimeMs: committed.lifetimeMs,
        nextAttemptAt: committed.nextAttemptAtMs,
      },
      ...underClaim(claim),
    );
  }

  /** Gives the lease back with what went wrong, and says when to try again. */
  fail(claim: Claim, recorded: RecordedFailure): Promise<boolean> {
    const now = this.database.nowMs;
    const suspect: ColumnExpressions = recorded.suspect
      ? {
          suspectAt: () =>
            'CASE WHEN suspect_at IS NULL OR suspect_at > attempt_at THEN attempt_at ELSE suspect_at END',
          unknownOutcomes: () => 'unknown_outcomes + 1',
        }
      : {};
    const dead: ColumnExpressions = recorded.dead
      ? { deadAt: () => `CASE WHEN dead_at IS NULL THEN ${now} ELSE dead_at END` }
      : {};
    const [where, parameters] = underClaim(claim);
    return this.update(
      claim.id,
      {
        ...suspect,
        ...dead,
        ...RELEASED,
        failures: () => 'failures + 1',
        lastError: JSON.stringify(recorded.failure),
        nextAttemptAt: () => `${now} + :retryDelayMs`,
      },
      where,
      { ...parameters, retryDelayMs: recorded.retryDelayMs },
    );
  }

  /** Gives the lease back when WeChat was not called. */
  release(claim: Claim): Promise<boolean> {
    return this.update(claim.id, RELEASED, ...underClaim(claim));
  }

  /** WeChat refused the value of this version: it is never served again, and a refresh is due. */
  markDead(row: CredentialEntity, foreign: boolean): Promise<boolean> {
    return this.update(
      row.id,
      {
        deadAt: () => this.database.nowMs,
        nextAttemptAt: 0,
        foreignRotations: () => (foreign ? 'foreign_rotations + 1' : 'foreign_rotations'),
      },
      'version = :version AND dead_at IS NULL',
      { version: row.version },
    );
  }

  /**
   * A fetch that ended outside its claim may have ended the stored value: not before `attemptAtMs`, and
   * with one settling refresh after the quiet time. Only a commit under a claim clears it.
   */
  markSuspect(id: string, attemptAtMs: number, quietMs: number): Promise<boolean> {
    const now = this.database.nowMs;
    return this.update(
      id,
      {
        suspectAt: () =>
          'CASE WHEN suspect_at IS NULL OR suspect_at > :attemptAtMs THEN :attemptAtMs ELSE suspect_at END',
        unknownOutcomes: () => 'unknown_outcomes + 1',
        nextAttemptAt: () =>
          `CASE WHEN next_attempt_at > ${now} + :quietMs THEN ${now} + :quietMs ELSE next_attempt_at END`,
      },
      '1 = 1',
      { attemptAtMs, quietMs },
    );
  }

  private async update(
    id: string,
    columns: ColumnExpressions,
    where: string,
    parameters: Record<string, unknown>,
  ): Promise<boolean> {
    const result = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(CredentialEntity)
        .set({ ...columns, revision: () => 'revision + 1' })
        .where(`id = :id AND ${where}`, { id, ...parameters })
        .execute(),
    );
    return result.affected === 1;
  }
}

const RELEASED = { owner: null, leaseUntil: 0 };

const SETTLED = {
  ...RELEASED,
  suspectAt: null,
  unknownOutcomes: 0,
  deadAt: null,
  failures: 0,
  lastError: null,
};

const EMPTY = {
  ...SETTLED,
  value: null,
  version: 0,
  fence: 0,
  revision: 0,
  attemptAt: 0,
  attemptForced: 0,
  configVersion: 0,
  obtainedAt: 0,
  expiresAt: 0,
  lifetimeMs: 0,
  nextAttemptAt: 0,
  ledgerFullAt: 0,
  forcedAt: '',
  callsDay: 0,
  callsToday: 0,
  foreignRotations: 0,
};

function underClaim(claim: Claim): [where: string, parameters: Record<string, unknown>] {
  return ['fence = :fence AND owner = :owner', { fence: claim.fence, owner: claim.owner }];
}
