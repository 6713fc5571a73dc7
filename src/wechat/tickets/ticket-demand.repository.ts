import { Injectable } from '@nestjs/common';
import { insertIfNew } from '../../database/insert-if-new.js';
import { DatabaseService } from '../../database/database.service.js';
import { TicketDemandEntity } from './ticket-demand.entity.js';
import type { TicketType } from './ticket-type.js';

export interface TicketDemand {
  readonly appId: string;
  readonly type: TicketType;
  readonly askedAtMs: number;
}

/** Rows of `ticket_demand`. Every method throws DatabaseError. */
@Injectable()
export class TicketDemandRepository {
  constructor(private readonly database: DatabaseService) {}

  async loadAll(): Promise<TicketDemand[]> {
    const rows = await this.database.run((source) =>
      source.getRepository(TicketDemandEntity).find(),
    );
    return rows.map(({ appId, type, askedAt }) => ({ appId, type, askedAtMs: askedAt }));
  }

  /** Moves the time on, never back. Two statements at most, each complete by itself. */
  async store({ appId, type, askedAtMs }: TicketDemand): Promise<void> {
    const moved = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(TicketDemandEntity)
        .set({ askedAt: askedAtMs })
        .where('app_id = :appId AND type = :type AND asked_at < :askedAtMs', {
          appId,
          type,
          askedAtMs,
        })
        .execute(),
    );
    if (moved.affected === 0) {
      // A row that is there already says no earlier time.
      await insertIfNew(this.database, TicketDemandEntity, { appId, type, askedAt: askedAtMs });
    }
  }

  /** Takes away what a removed account had; of an account that exists, nothing. */
  async removeLeftBy(appId: string, type: TicketType): Promise<void> {
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .delete()
        .from(TicketDemandEntity)
        .where('app_id = :appId AND type = :type')
        .andWhere(
          'EXISTS (SELECT 1 FROM wtc_account WHERE wtc_account.app_id = :appId AND wtc_account.removed_at IS NOT NULL)',
        )
        .setParameters({ appId, type })
        .execute(),
    );
  }
}
