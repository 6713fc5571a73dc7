import { Injectable } from '@nestjs/common';
import { changedNow } from '../../database/columns.js';
import { DatabaseService } from '../../database/database.service.js';
import { insertIfNew } from '../../database/insert-if-new.js';
import { AccountEntity } from './account.entity.js';

type NewAccount = Omit<
  AccountEntity,
  'createdAt' | 'revision' | 'updatedAt' | 'removedAt' | 'fenceBase'
>;
type AccountColumns = Partial<
  Omit<AccountEntity, 'appId' | 'createdAt' | 'revision' | 'updatedAt'>
>;

/** Rows of `account`. Every method is one statement. */
@Injectable()
export class AccountRepository {
  constructor(private readonly database: DatabaseService) {}

  loadAll(): Promise<AccountEntity[]> {
    return this.database.run((source) =>
      source.getRepository(AccountEntity).find({ order: { appId: 'ASC' } }),
    );
  }

  load(appId: string): Promise<AccountEntity | null> {
    return this.database.run((source) => source.getRepository(AccountEntity).findOneBy({ appId }));
  }

  /** @returns false when another process inserted the account first */
  insert(account: NewAccount): Promise<boolean> {
    const now = (): string => this.database.nowMs;
    return insertIfNew(this.database, AccountEntity, {
      ...account,
      createdAt: now,
      revision: 1,
      updatedAt: now,
      removedAt: null,
      fenceBase: 0,
    });
  }

  /** @returns false when the row has changed since it was read, or is removed */
  change(seen: AccountEntity, change: AccountColumns): Promise<boolean> {
    return this.update(seen, 'removed_at IS NULL', change);
  }

  /** Adds a removed account again. @returns false when the row has changed since it was read */
  restore(seen: AccountEntity, account: NewAccount): Promise<boolean> {
    return this.update(seen, 'removed_at IS NOT NULL', {
      ...account,
      removedAt: null,
      createdAt: () => this.database.nowMs,
    });
  }

  /**
   * Takes the secret out of the row and leaves the rest of it as a mark.
   * @param fenceBase where the fences start, should the account be added again
   * @returns false when the row has changed since it was read, or is removed already
   */
  remove(seen: AccountEntity, fenceBase: number): Promise<boolean> {
    return this.update(seen, 'removed_at IS NULL', {
      name: null,
      secret: '',
      enabled: 0,
      jssdkHosts: null,
      // Who compares it finds that the row is no longer the one that was seen.
      configVersion: seen.configVersion + 1,
      fenceBase,
      removedAt: () => this.database.nowMs,
    });
  }

  /** What the environment set last, and nothing else. @returns false when the row has changed since it was read */
  remember(seen: AccountEntity, environmentSecret: string): Promise<boolean> {
    const where = seen.removedAt === null ? 'removed_at IS NULL' : 'removed_at IS NOT NULL';
    return this.update(seen, where, { environmentSecret });
  }

  private async update(
    seen: AccountEntity,
    where: string,
    columns: { [Column in keyof AccountEntity]?: AccountEntity[Column] | (() => string) },
  ): Promise<boolean> {
    const result = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(AccountEntity)
        .set({ ...columns, ...changedNow(this.database) })
        .where(
          `app_id = :appId AND secret = :secret AND config_version = :configVersion AND ${where}`,
          { appId: seen.appId, secret: seen.secret, configVersion: seen.configVersion },
        )
        .execute(),
    );
    return result.affected === 1;
  }
}
