import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service.js';
import { insertIfNew } from '../database/insert-if-new.js';
import { ReadCountEntity } from './read-count.entity.js';

/** The reads of one client of one credential within a minute, on all replicas together. */
export type MinuteOfReads = Omit<ReadCountEntity, 'id'>;
export type ReadCountRow = Pick<ReadCountEntity, keyof ReadCountEntity>;

export interface ReadsQuery {
  readonly appId?: string | undefined;
  readonly client?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly after?: ReadsPosition | undefined;
  readonly limit: number;
}

export interface ReadsPosition {
  readonly atMs: number;
  readonly client: string;
  readonly appId: string;
  readonly kind: string;
}

/** Of the groups in the order of {@link ReadCountRepository.find}, those behind a place. */
const BEHIND = `row.at <= :afterMs AND (row.at < :afterMs OR row.client < :afterClient
  OR (row.client = :afterClient AND (row.appId < :afterAppId
  OR (row.appId = :afterAppId AND row.kind < :afterKind))))`;

/** Rows of `read_count`. Every method is one statement, and throws DatabaseError. */
@Injectable()
export class ReadCountRepository {
  constructor(private readonly database: DatabaseService) {}

  /** All of them or none; rows that are there already are these, from a try whose answer was lost. */
  async insert(rows: readonly ReadCountRow[]): Promise<void> {
    await insertIfNew(this.database, ReadCountEntity, [...rows]);
  }

  /** Newest first. */
  async find(query: ReadsQuery): Promise<MinuteOfReads[]> {
    const { appId, client, sinceMs, untilMs, after, limit } = query;
    const rows = await this.database.run((source) => {
      const select = source
        .getRepository(ReadCountEntity)
        .createQueryBuilder('row')
        .select('row.at', 'at')
        .addSelect('row.client', 'client')
        .addSelect('row.appId', 'app_id')
        .addSelect('row.kind', 'kind')
        .addSelect('SUM(row.reads)', 'reads')
        .where({
          ...(appId !== undefined && { appId }),
          ...(client !== undefined && { client }),
        });
      if (sinceMs !== undefined) {
        select.andWhere('row.at >= :sinceMs', { sinceMs });
      }
      if (untilMs !== undefined) {
        select.andWhere('row.at < :untilMs', { untilMs });
      }
      if (after !== undefined) {
        select.andWhere(BEHIND, {
          afterMs: after.atMs,
          afterClient: after.client,
          afterAppId: after.appId,
          afterKind: after.kind,
        });
      }
      for (const column of ['row.at', 'row.client', 'row.appId', 'row.kind']) {
        select.addGroupBy(column).addOrderBy(column, 'DESC');
      }
      return select.limit(limit).getRawMany<RawMinute>();
    });
    return rows.map(({ at, client: id, app_id, kind, reads }) => ({
      at: Number(at),
      client: id,
      appId: app_id,
      kind,
      reads: Number(reads),
    }));
  }
}

/** Whole numbers of 64 bits come as text from some drivers. */
interface RawMinute {
  readonly at: number | string;
  readonly client: string;
  readonly app_id: string;
  readonly kind: string;
  readonly reads: number | string;
}
