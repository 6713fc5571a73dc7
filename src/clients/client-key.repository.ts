import { Injectable } from '@nestjs/common';
import { In, IsNull } from 'typeorm';
import { changedNow } from '../database/columns.js';
import { DatabaseService } from '../database/database.service.js';
import { insertIfNew } from '../database/insert-if-new.js';
import { ClientKeyEntity } from './client-key.entity.js';

export type NewClientKey = Pick<
  ClientKeyEntity,
  'id' | 'clientRowId' | 'hash' | 'name' | 'expiresAt' | 'createdAt'
>;

/** Two of a client may be active, so that servers can go from one to the other. */
const SLOTS = [1, 2];
const WIPED = { hash: null, slot: null };

/** Rows of `client_key`. Every method throws DatabaseError. */
@Injectable()
export class ClientKeyRepository {
  constructor(private readonly database: DatabaseService) {}

  /** The keys of these clients that were not revoked, oldest first. */
  listOf(clientRowIds: readonly string[]): Promise<ClientKeyEntity[]> {
    return this.database.run((source) =>
      source.getRepository(ClientKeyEntity).find({
        where: { clientRowId: In(clientRowIds), revokedAt: IsNull() },
        order: { createdAt: 'ASC', id: 'ASC' },
      }),
    );
  }

  /** Puts the key into a slot that is free, or whose key has expired. @returns false when there is none */
  async insert(key: NewClientKey): Promise<boolean> {
    await this.freeExpired(key.clientRowId);
    for (const slot of SLOTS) {
      if (await this.insertInto(slot, key)) {
        return true;
      }
    }
    return false;
  }

  /** @returns false when the client has no such key, or it was revoked already */
  async revoke(clientRowId: string, id: string): Promise<boolean> {
    const now = (): string => this.database.nowMs;
    const result = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(ClientKeyEntity)
        .set({ ...WIPED, revokedAt: now, ...changedNow(this.database) })
        .where('id = :id AND client_row_id = :clientRowId AND revoked_at IS NULL')
        .setParameters({ id, clientRowId })
        .execute(),
    );
    return result.affected === 1;
  }

  async revokeAll(clientRowId: string): Promise<void> {
    const now = (): string => this.database.nowMs;
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(ClientKeyEntity)
        .set({ ...WIPED, revokedAt: now, ...changedNow(this.database) })
        .where('client_row_id = :clientRowId AND revoked_at IS NULL', { clientRowId })
        .execute(),
    );
  }

  /** One time for many keys; a later one that another replica has stored stays. */
  async markUsed(ids: readonly string[], atMs: number): Promise<void> {
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(ClientKeyEntity)
        .set({ lastUsedAt: atMs })
        .where('id IN (:...ids) AND (last_used_at IS NULL OR last_used_at < :atMs)', { ids, atMs })
        .execute(),
    );
  }

  /** An expired key counts as revoked once its slot is wanted. */
  private async freeExpired(clientRowId: string): Promise<void> {
    const now = (): string => this.database.nowMs;
    await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(ClientKeyEntity)
        .set({ ...WIPED, revokedAt: now, ...changedNow(this.database) })
        .where(`client_row_id = :clientRowId AND revoked_at IS NULL AND expires_at <= ${now()}`)
        .setParameters({ clientRowId })
        .execute(),
    );
  }

  private insertInto(slot: number, key: NewClientKey): Promise<boolean> {
    return insertIfNew(this.database, ClientKeyEntity, {
      ...key,
      slot,
      revision: 1,
      updatedAt: () => this.database.nowMs,
    });
  }
}
