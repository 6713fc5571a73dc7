import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import type { Origin } from '../../audit/origin.js';
import { DatabaseService } from '../../database/database.service.js';
import { newestFirst, type NewestFirst } from '../../database/newest-first.js';
import { REPLICA } from '../../observability/replica.js';
import { RefreshHistoryEntity } from './refresh-history.entity.js';
import type { RefreshOutcome } from './refresh-outcome.js';

/** The claim that a row belongs to. */
interface ClaimKey {
  /** Of the credential. */
  readonly id: string;
  readonly fence: number;
}

export interface OpenedRefresh {
  readonly appId: string;
  readonly kind: string;
  readonly cause: string;
  readonly forced: boolean;
  readonly startedAtMs: number;
  readonly versionBefore: number;
  readonly origin: Origin | undefined;
}

export interface RefreshFilter {
  readonly appId?: string | undefined;
  readonly actor?: string | undefined;
  readonly kind?: string | undefined;
  readonly cause?: string | undefined;
  /** `started` while it is under way. */
  readonly outcome?: RefreshOutcome | 'started' | undefined;
  readonly code?: string | undefined;
}

/** Rows of `refresh_history`. Every method is one statement. */
@Injectable()
export class RefreshHistoryRepository {
  constructor(private readonly database: DatabaseService) {}

  /** Before WeChat is called: what cannot be written down is not done. @throws DatabaseError */
  async open(claim: ClaimKey, opened: OpenedRefresh): Promise<void> {
    const { appId, kind, cause, forced, startedAtMs, versionBefore, origin } = opened;
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .insert()
        .into(RefreshHistoryEntity)
        .values({
          credentialId: claim.id,
          fence: claim.fence,
          appId,
          kind,
          cause,
          forced: forced ? 1 : 0,
          replica: REPLICA,
          startedAt: startedAtMs,
          versionBefore,
          actor: origin?.actor ?? 'service',
          source: origin?.source ?? null,
          requestId: origin?.requestId ?? null,
        })
        .updateEntity(false)
        .execute(),
    );
  }

  /** @throws DatabaseError; the next claim closes it then */
  async close(
    claim: ClaimKey,
    outcome: RefreshOutcome,
    failure?: { readonly code: string; readonly errcode: number | null },
  ): Promise<void> {
    const closed = { outcome, code: failure?.code ?? null, errcode: failure?.errcode ?? null };
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(RefreshHistoryEntity)
        .set({ ...closed, endedAt: () => this.database.nowMs })
        .where('credential_id = :id AND fence = :fence AND outcome IS NULL', {
          id: claim.id,
          fence: claim.fence,
        })
        .execute(),
    );
  }

  /**
   * Closes what earlier claims left open. The row tells which of them committed: its version is the
   * fence of that claim.
   * @throws DatabaseError
   */
  async closeAbandoned(claim: ClaimKey, version: number): Promise<void> {
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(RefreshHistoryEntity)
        .set({
          outcome: () => "CASE WHEN fence = :version THEN 'committed' ELSE 'abandoned' END",
          endedAt: () => this.database.nowMs,
        })
        .where('credential_id = :id AND fence < :fence AND outcome IS NULL')
        .setParameters({ id: claim.id, fence: claim.fence, version })
        .execute(),
    );
  }

  /** Newest first. @throws DatabaseError */
  find({
    appId,
    actor,
    kind,
    cause,
    outcome,
    code,
    ...part
  }: RefreshFilter & NewestFirst): Promise<RefreshHistoryEntity[]> {
    return this.database.run((source) => {
      const query = source
        .getRepository(RefreshHistoryEntity)
        .createQueryBuilder('row')
        .where({
          ...(appId !== undefined && { appId }),
          ...(actor !== undefined && { actor }),
          ...(kind !== undefined && { kind }),
          ...(cause !== undefined && { cause }),
          ...(outcome !== undefined && { outcome: outcome === 'started' ? IsNull() : outcome }),
          ...(code !== undefined && { code }),
        });
      // A credential is claimed once in a millisecond at most: the floor lies between two claims.
      return newestFirst(query, 'row.startedAt', 'row.credentialId', part).getMany();
    });
  }
}
