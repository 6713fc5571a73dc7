import { Injectable } from '@nestjs/common';
import { outcomeLike } from '../../audit/audit-action.js';
import type { AuditQuery } from '../../audit/audit-trail.service.js';
import { insertIfNew } from '../../database/insert-if-new.js';
import { DatabaseService } from '../../database/database.service.js';
import { newestFirst } from '../../database/newest-first.js';
import { ReportCountEntity } from './report-count.entity.js';

export type ReportCountRow = Readonly<Pick<ReportCountEntity, keyof ReportCountEntity>>;

/** Rows of `report_count`. */
@Injectable()
export class ReportCountRepository {
  constructor(private readonly database: DatabaseService) {}

  /**
   * Adds to the row of these reports, or makes it. A statement whose answer is lost may have counted all
   * the same, and the caller counts again: rather twice than not at all.
   * @throws DatabaseError
   */
  async add(counted: ReportCountRow): Promise<void> {
    if (
      (await this.raise(counted)) ||
      (await insertIfNew(this.database, ReportCountEntity, counted))
    ) {
      return;
    }
    // Another replica made the row in between.
    await this.raise(counted);
  }

  /** Newest first. @throws DatabaseError */
  find({ appId, actor, outcome, ...part }: AuditQuery): Promise<ReportCountEntity[]> {
    return this.database.run((source) => {
      const query = source
        .getRepository(ReportCountEntity)
        .createQueryBuilder('row')
        .where({
          ...(appId !== undefined && { appId }),
          ...(actor !== undefined && { client: actor }),
          ...(outcome !== undefined && { outcome: outcomeLike(outcome) }),
        });
      return newestFirst(query, 'row.at', 'row.id', part).getMany();
    });
  }

  private async raise(counted: ReportCountRow): Promise<boolean> {
    const { id, reports, source: address, requestId, replica } = counted;
    const result = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(ReportCountEntity)
        .set({ reports: () => 'reports + :reports', source: address, requestId, replica })
        .where('id = :id')
        .setParameters({ id, reports })
        .execute(),
    );
    return result.affected === 1;
  }
}
