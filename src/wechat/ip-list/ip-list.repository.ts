import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service.js';
import type { IpListKind } from './ip-list.dto.js';
import { IpListEntity } from './ip-list.entity.js';
import { toRanges, type IpRange } from './ip-ranges.js';

/** A list as WeChat gave it at one time. Immutable, and replaced whole. */
export interface FetchedIpList {
  readonly ranges: readonly IpRange[];
  /** By the database's clock, before the call: milliseconds since 1970. */
  readonly fetchedAtMs: number;
}

/** Rows of `ip_list`. Every method is one statement, and throws DatabaseError. */
@Injectable()
export class IpListRepository {
  constructor(private readonly database: DatabaseService) {}

  async load(appId: string, kind: IpListKind): Promise<FetchedIpList | undefined> {
    const row = await this.database.run((source) =>
      source.getRepository(IpListEntity).findOneBy({ appId, kind }),
    );
    return row === null
      ? undefined
      : { ranges: toRanges(row.entries).ranges, fetchedAtMs: row.fetchedAt };
  }

  /** Inserts the row, or replaces it. */
  async store(appId: string, kind: IpListKind, list: FetchedIpList): Promise<void> {
    const entries = list.ranges.map(({ entry }) => entry);
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .insert()
        .into(IpListEntity)
        .values({ appId, kind, entries, fetchedAt: list.fetchedAtMs })
        .orUpdate(['entries', 'fetched_at'], ['app_id', 'kind'])
        .updateEntity(false)
        .execute(),
    );
  }
}
