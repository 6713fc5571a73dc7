import { Injectable } from '@nestjs/common';
import { isUniqueViolation } from '../../database/database-error.js';
import { DatabaseService } from '../../database/database.service.js';
import { AccountEntity } from './account.entity.js';

type NewAccount = Omit<AccountEntity, 'createdAt' | 'updatedAt' | 'jssdkHosts'> &
  Partial<Pick<AccountEntity, 'jssdkHosts'>>;
type AccountChange = Partial<
  Pick<AccountEntity, 'secret' | 'mode' | 'configVersion' | 'environmentSecret' | 'environmentMode'>
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
  async insert(account: NewAccount): Promise<boolean> {
    const now = (): string => this.database.nowMs;
    try {
      await this.database.run((source) =>
        source
          .createQueryBuilder()
          .insert()
          .into(AccountEntity)
          .values({ ...account, createdAt: now, updatedAt: now })
          .updateEntity(false)
          .execute(),
      );
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) {
        return false;
      }
      throw error;
    }
  }

  /** @returns false when the row has changed since it was read */
  async change(seen: AccountEntity, change: AccountChange): Promise<boolean> {
    const result = await this.database.run((source) =>
      source
        .createQueryBuilder()
        .update(AccountEntity)
        .set({ ...change, updatedAt: () => this.database.nowMs })
        .where('app_id = :appId AND secret = :secret AND config_version = :configVersion', {
          appId: seen.appId,
          secret: seen.secret,
          configVersion: seen.configVersion,
        })
        .execute(),
    );
    return result.affected === 1;
  }
}
