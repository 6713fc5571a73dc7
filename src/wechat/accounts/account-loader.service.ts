import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service.js';
import { AccountSealer } from './account-sealer.js';
import { AccountRepository } from './account.repository.js';
import { AccountService } from './account.service.js';
import { EnvironmentAccountService } from './environment-account.service.js';

/** At the start: brings the environment's account into the database, and the accounts into memory. */
@Injectable()
export class AccountLoaderService implements OnApplicationBootstrap {
  constructor(
    private readonly accounts: AccountService,
    private readonly repository: AccountRepository,
    private readonly environmentAccount: EnvironmentAccountService,
    private readonly sealer: AccountSealer,
    private readonly database: DatabaseService,
  ) {}

  onApplicationBootstrap(): void {
    void this.database.load('accounts', async () => {
      await this.environmentAccount.apply();
      await this.sealer.rewriteOld(await this.repository.loadAll());
      this.accounts.fill(await this.repository.loadAll());
    });
  }
}
