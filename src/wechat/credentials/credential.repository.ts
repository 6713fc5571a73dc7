import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { isUniqueViolation } from '../../database/database-error.js';
import { DatabaseService } from '../../database/database.service.js';
import { CredentialEntity } from './credential.entity.js';
import { SETTLED, updateCredential } from './credential-update.js';

/** Rows of `credential`: reading them, and the two marks that anybody may set. Every method is one statement. */
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
   * A fetch that ended outside its claim may have ended the stored value: not before `attemptAtMs`, and
   * with one settling refresh after the quiet time. Only a commit under a claim clears it.
   */
  markSuspect(id: string, attemptAtMs: number, quietMs: number): Promise<boolean> {
    const now = this.database.nowMs;
    return updateCredential(
      this.database,
      id,
      {
        suspectAt: () =>
          'CASE WHEN suspect_at IS NULL OR suspect_at > :attemptAtMs THEN :attemptAtMs ELSE suspect_at END',
        unknownOutcomes: () => 'unknown_outcomes + 1',
        nextAttemptAt: () =>
          `CASE WHEN next_attempt_at > ${now} + :quietMs THEN ${now} + :quietMs ELSE next_attempt_at END`,
      },
      ['1 = 1', { attemptAtMs, quietMs }],
    );
  }

  /** The same value under another key; changes nothing when the value is no longer the one that was read. */
  reseal(id: string, seen: string, resealed: string): Promise<boolean> {
    return updateCredential(this.database, id, { value: resealed }, ['value = :seen', { seen }]);
  }
}

const EMPTY = {
  ...SETTLED,
  value: null,
  previousHash: null,
  previousUntil: null,
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
