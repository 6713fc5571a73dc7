import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service.js';
import type { FollowedTable } from '../../database/followed-table.js';
import { ReplicaSyncService } from '../../database/replica-sync.service.js';
import { AccountEntity } from './account.entity.js';
import { AccountSealer } from './account-sealer.js';
import { AccountRepository } from './account.repository.js';
import { AccountService } from './account.service.js';
import { EnvironmentAccountService } from './environment-account.service.js';

/**
 * Brings the environment's account into the database and the accounts into memory at the start, and keeps them as the
 * table is from then on.
 */
@Injectable()
export class AccountFollowerService implements OnApplicationBootstrap {
  private readonly table: FollowedTable<AccountEntity>;

  constructor(
    accounts: AccountService,
    private readonly repository: AccountRepository,
    private readonly environmentAccount: EnvironmentAccountService,
    private readonly sealer: AccountSealer,
    private readonly database: DatabaseService,
    private readonly sync: ReplicaSyncService,
  ) {
    this.table = {
      entity: AccountEntity,
      adopt: (rows) => {
        accounts.adopt(rows);
      },
      remove: (appIds) => {
        accounts.drop(appIds);
      },
      inStep: () => {
        accounts.finishLoading();
      },
    };
  }

  onApplicationBootstrap(): void {
    void this.database.load('accounts', async () => {
      await this.environmentAccount.apply();
      await this.sealer.rewriteOld(await this.repository.loadAll());
      await this.catchUp();
    });
  }

  /** Takes over what was just changed from here. @throws DatabaseError */
  catchUp(): Promise<void> {
    return this.sync.follow(this.table).catchUp();
  }
}
