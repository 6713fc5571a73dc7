import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { isUniqueViolation } from '../../database/database-error.js';
import { DatabaseService } from '../../database/database.service.js';
import { CredentialEntity } from './credential.entity.js';
import { SETTLED, updateCredential } from './credential-update.js';

/** Rows of `credential`: reading, adding and removing them, and the marks that anybody may set. Every method is one statement. */
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
    try {
      await this.database.run((source) =>
        source
          .createQueryBuilder()
          .insert()
          .into(CredentialEntity)
          .values(row)
          .setParameters({ accountId: appId })
          .updateEntity(false)
          .execute(),
      );
    } catch (error) {
      if (!isUniqueViolation(error)) {
        throw error;
      }
    }
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
   * Stores a value that was not fetched from here, under the first fence of a row that nobody has claimed.
   * @returns false when somebody has
   */
  storeFirst(row: CredentialEntity, first: FirstValue): Promise<boolean> {
    const fence = row.fence + 1;
    return updateCredential(this.database, row.id, { ...first, version: fence, fence }, [
      'fence = :seenFence AND owner IS NULL AND value IS NULL',
      { seenFence: row.fence },
    ]);
  }

  /** WeChat accepted an imported value that was not confirmed. */
  confirmImport({ id, version }: CredentialEntity): Promise<boolean> {
    return updateCredential(this.database, id, { suspectAt: null }, [
      'version = :version AND unknown_outcomes = 0 AND owner IS NULL',
      { version },
    ]);
  }

  /** WeChat refused the value of this version: it is never served again, and a refresh is due. */
  markDead(row: CredentialEntity, foreign: boolean): Promise<boolean> {
    return updateCredential(
      this.database,
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
    return updateCredential(
      this.database,
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
    return updateCredential(this.database, id, { nextAttemptAt: 0 }, [
      'fence = :fence AND owner IS NULL',
      { fence },
    ]);
  }

  /** The same value under another key; changes nothing when the value is no longer the one that was read. */
  reseal(id: string, seen: string, resealed: string): Promise<boolean> {
    return updateCredential(this.database, id, { value: resealed }, ['value = :seen', { seen }]);
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
