import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { UpdateQueryBuilder } from 'typeorm';
import { insertIfNew } from '../../database/insert-if-new.js';
import { DatabaseService } from '../../database/database.service.js';
import { changedNow } from '../../database/columns.js';
import { CredentialEntity } from './credential.entity.js';
import type { Claim } from './credential-facts.js';
import { LONGEST_LEASE_MS } from './credential-view.js';
import { LONGEST_LEDGER_MS, type LedgerTerms } from './ledger.js';
import type { RefreshFailure } from './refresh-failure.js';

type ColumnExpressions = Parameters<UpdateQueryBuilder<CredentialEntity>['set']>[0];

/** The columns of a row without a claim in flight. */
const RELEASED = { owner: null, leaseUntil: 0 };

/** The columns of a row after a commit: no claim, no suspicion, no failure. */
const SETTLED = {
  ...RELEASED,
  suspectAt: null,
  unknownOutcomes: 0,
  deadAt: null,
  forceNext: 0,
  failures: 0,
  lastError: null,
};

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
 * Every statement on the rows of `wtc_credential`: reading, adding and removing them, the refresh protocol
 * (docs/adr/0003: a claim, and the four ways in which it ends), and the marks that anybody may set. Each method is one
 * autocommit statement that compares what it must not overrun, by the database's clock. Columns that an expression
 * reads are assigned after it, since MySQL evaluates SET from left to right on the changed row.
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

  loadOf(appId: string): Promise<CredentialEntity[]> {
    return this.database.run((source) => source.getRepository(CredentialEntity).findBy({ appId }));
  }

  find(appId: string, kind: string): Promise<CredentialEntity | null> {
    return this.database.run((source) =>
      source.getRepository(CredentialEntity).findOneBy({ appId, kind }),
    );
  }

  /**
   * Makes an empty row, unless there is one. Its fence starts where the account's row says at that moment,
   * so that no version goes back when an account was removed and added again.
   */
  async insertEmpty(appId: string, kind: string): Promise<void> {
    const fence = (): string =>
      'COALESCE((SELECT fence_base FROM wtc_account WHERE wtc_account.app_id = :accountId), 0)';
    const updatedAt = (): string => this.database.nowMs;
    const row = { ...EMPTY, id: randomUUID(), appId, kind, fence, updatedAt };
    await insertIfNew(this.database, CredentialEntity, row, { accountId: appId });
  }

  /** Takes away what a removed account had; of an account that exists, nothing. */
  async removeLeftBy(appId: string): Promise<void> {
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .delete()
        .from(CredentialEntity)
        .where('app_id = :appId')
        .andWhere(
          'EXISTS (SELECT 1 FROM wtc_account WHERE wtc_account.app_id = :appId AND wtc_account.removed_at IS NOT NULL)',
        )
        .setParameters({ appId })
        .execute(),
    );
  }

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
    return this.update(
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
    return this.update(
      claim.id,
      {
        previousHash: committed.previousHash,
        previousUntil: () =>
          `CASE WHEN dead_at IS NOT NULL OR attempt_forced = 1 THEN NULL
            WHEN expires_at < claimed_at + :overlapMs THEN expires_at
            ELSE claimed_at + :overlapMs END`,
        ...SETTLED,
        value: committed.value,
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
    return this.update(
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

  /** Releases the lease with the failure and the time of the next attempt. */
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
    return this.update(
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

  /** Releases the lease when WeChat was not called. */
  release(claim: Claim): Promise<boolean> {
    return this.update(claim.id, RELEASED, underClaim(claim));
  }

  /**
   * Stores a value that was not fetched from here, under the first fence of a row that nobody has claimed.
   * @returns false when somebody has
   */
  storeFirst(row: CredentialEntity, first: FirstValue): Promise<boolean> {
    const fence = row.fence + 1;
    return this.update(row.id, { ...first, version: fence, fence }, [
      'fence = :seenFence AND owner IS NULL AND value IS NULL',
      { seenFence: row.fence },
    ]);
  }

  /** WeChat accepted an imported value that was not confirmed. */
  confirmImport({ id, version }: CredentialEntity): Promise<boolean> {
    return this.update(id, { suspectAt: null }, [
      'version = :version AND unknown_outcomes = 0 AND owner IS NULL',
      { version },
    ]);
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
      ['version = :version AND dead_at IS NULL', { version: row.version }],
    );
  }

  /**
   * A fetch that ended outside its claim may have ended the stored value: not before `claimedAtMs`, and
   * with one settling refresh after the quiet time. Only a commit under a claim clears it.
   */
  markSuspect(id: string, claimedAtMs: number, quietMs: number): Promise<boolean> {
    const now = this.database.nowMs;
    return this.update(
      id,
      {
        suspectAt: () =>
          'CASE WHEN suspect_at IS NULL OR suspect_at > :claimedAtMs THEN :claimedAtMs ELSE suspect_at END',
        unknownOutcomes: () => 'unknown_outcomes + 1',
        nextAttemptAt: () =>
          `CASE WHEN next_attempt_at > ${now} + :quietMs THEN ${now} + :quietMs ELSE next_attempt_at END`,
      },
      ['1 = 1', { claimedAtMs, quietMs }],
    );
  }

  /** A refresh is due now, whatever pause the row knows; nothing where somebody has tried since it was read. */
  endPause({ id, fence }: CredentialEntity): Promise<boolean> {
    return this.update(id, { nextAttemptAt: 0 }, ['fence = :fence AND owner IS NULL', { fence }]);
  }

  /** The same value under another key; changes nothing when the value is no longer the one that was read. */
  reseal(id: string, seen: string, resealed: string): Promise<boolean> {
    return this.update(id, { value: resealed }, ['value = :seen', { seen }]);
  }

  /**
   * One UPDATE of one row, which raises its revision.
   * @param where what must hold beside the id
   * @returns whether the row was changed
   * @throws DatabaseError; whether the row was changed is not known then
   */
  private async update(
    id: string,
    columns: ColumnExpressions,
    [where, parameters]: readonly [where: string, parameters: Record<string, unknown>],
  ): Promise<boolean> {
    const result = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(CredentialEntity)
        .set({ ...columns, ...changedNow(this.database) })
        .where(`id = :id AND ${where}`, { id, ...parameters })
        .execute(),
    );
    return result.affected === 1;
  }
}

export type FirstValue = Pick<
  CredentialEntity,
  'configVersion' | 'obtainedAt' | 'expiresAt' | 'lifetimeMs' | 'nextAttemptAt' | 'suspectAt'
> & { readonly value: string };

const EMPTY = {
  ...SETTLED,
  value: null,
  previousHash: null,
  previousUntil: null,
  version: 0,
  revision: 0,
  claimedAt: 0,
  fetchEndedAt: 0,
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
