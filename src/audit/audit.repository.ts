import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service.js';
import { newestFirst } from '../database/newest-first.js';
import { outcomeLike } from './audit-action.js';
import type { AuditQuery } from './audit-trail.service.js';
import { AuditEntity } from './audit.entity.js';

export type OpenedAudit = Omit<AuditEntity, 'at' | 'outcome' | 'versionBefore' | 'versionAfter'>;
export type ClosedAudit = Pick<AuditEntity, 'outcome'> &
  Partial<Pick<AuditEntity, 'appId' | 'target' | 'versionBefore' | 'versionAfter'>>;

/** Rows of `audit`. Every method is one statement, and throws DatabaseError. */
@Injectable()
export class AuditRepository {
  constructor(private readonly database: DatabaseService) {}

  async open(opened: OpenedAudit): Promise<void> {
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .insert()
        .into(AuditEntity)
        .values({ ...opened, outcome: 'started', at: () => this.database.nowMs })
        .updateEntity(false)
        .execute(),
    );
  }

  async close(id: string, closed: ClosedAudit): Promise<void> {
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(AuditEntity)
        .set(closed)
        .where('id = :id', { id })
        .execute(),
    );
  }

  find({ appId, actor, action, outcome, ...part }: AuditQuery): Promise<AuditEntity[]> {
    return this.database.run((source) => {
      const query = source
        .getRepository(AuditEntity)
        .createQueryBuilder('row')
        .where({
          ...(appId !== undefined && { appId }),
          ...(actor !== undefined && { actor }),
          ...(action !== undefined && { action }),
          ...(outcome !== undefined && { outcome: outcomeLike(outcome) }),
        });
      return newestFirst(query, 'row.at', 'row.id', part).getMany();
    });
  }
}
