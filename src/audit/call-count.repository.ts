import { Injectable } from '@nestjs/common';
import { insertIfNew } from '../database/insert-if-new.js';
import { DatabaseService } from '../database/database.service.js';
import { newestFirst } from '../database/newest-first.js';
import { outcomeLike } from './audit-action.js';
import type { AuditQuery } from './audit-trail.service.js';
import { CallCountEntity } from './call-count.entity.js';

export type CallCountRow = Readonly<Pick<CallCountEntity, keyof CallCountEntity>>;

/** Rows of `wtc_call_count`. */
@Injectable()
export class CallCountRepository {
  constructor(private readonly database: DatabaseService) {}

  /**
   * Adds to the row of these calls, or makes it. A statement whose answer is lost may have counted all
   * the same, and the caller counts again: rather twice than not at all.
   * @throws DatabaseError
   */
  async add(counted: CallCountRow): Promise<void> {
    if (
      (await this.raise(counted)) ||
      (await insertIfNew(this.database, CallCountEntity, counted))
    ) {
      return;
    }
    // Another replica made the row in between.
    await this.raise(counted);
  }

  /** Newest first. @throws DatabaseError */
  find({ appId, actor, action, outcome, ...part }: AuditQuery): Promise<CallCountEntity[]> {
    return this.database.run((source) => {
      const query = source
        .getRepository(CallCountEntity)
        .createQueryBuilder('row')
        .where({
          ...(appId !== undefined && { appId }),
          ...(actor !== undefined && { client: actor }),
          ...(action !== undefined && { action }),
          ...(outcome !== undefined && { outcome: outcomeLike(outcome) }),
        });
      return newestFirst(query, 'row.at', 'row.id', part).getMany();
    });
  }

  private async raise(counted: CallCountRow): Promise<boolean> {
    const { id, calls, source: address, requestId, replica } = counted;
    const result = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(CallCountEntity)
        .set({ calls: () => 'calls + :calls', source: address, requestId, replica })
        .where('id = :id')
        .setParameters({ id, calls })
        .execute(),
    );
    return result.affected === 1;
  }
}
