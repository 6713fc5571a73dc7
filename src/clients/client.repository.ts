import { Injectable } from '@nestjs/common';
import { changedNow } from '../database/columns.js';
import { DatabaseService } from '../database/database.service.js';
import { insertIfNew } from '../database/insert-if-new.js';
import { CLIENT_ID } from './client.dto.js';
import { ClientEntity } from './client.entity.js';

export type NewClient = Pick<
  ClientEntity,
  'rowId' | 'id' | 'name' | 'scopes' | 'accounts' | 'gateway' | 'expiresAt' | 'createdAt'
>;
export type ClientChange = Partial<
  Pick<ClientEntity, 'name' | 'scopes' | 'accounts' | 'gateway' | 'expiresAt'>
>;

type LiveClient = ClientEntity & { readonly id: string };

/** Rows of `client`. Every method throws DatabaseError. */
@Injectable()
export class ClientRepository {
  constructor(private readonly database: DatabaseService) {}

  /** @param id whatever an admin asked for */
  async find(id: string): Promise<ClientEntity | null> {
    if (!CLIENT_ID.test(id)) {
      return null;
    }
    return this.database.run((source) => source.getRepository(ClientEntity).findOneBy({ id }));
  }

  /** Clients that are not removed, by id, from the one after `after` on. */
  async list(after: string, limit: number): Promise<LiveClient[]> {
    const rows = await this.database.run((source) =>
      source
        .getRepository(ClientEntity)
        .createQueryBuilder('client')
        .where('client.id > :after', { after })
        .orderBy('client.id')
        .limit(limit)
        .getMany(),
    );
    return rows.filter(isLive);
  }

  /** @returns false when there is a client with this id */
  insert(client: NewClient): Promise<boolean> {
    return insertIfNew(this.database, ClientEntity, {
      ...client,
      revision: 1,
      updatedAt: () => this.database.nowMs,
    });
  }

  /** @returns false when it was removed */
  async change(rowId: string, change: ClientChange): Promise<boolean> {
    const result = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(ClientEntity)
        .set({ ...change, ...changedNow(this.database) })
        .where('row_id = :rowId AND removed_at IS NULL', { rowId })
        .execute(),
    );
    return result.affected === 1;
  }

  /** From here on none of its keys is good on any replica that has read it. */
  async bury(rowId: string): Promise<void> {
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(ClientEntity)
        .set({ id: null, removedAt: () => this.database.nowMs, ...changedNow(this.database) })
        .where('row_id = :rowId AND removed_at IS NULL', { rowId })
        .execute(),
    );
  }
}

function isLive(row: ClientEntity): row is LiveClient {
  return row.id !== null;
}
