import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { DatabaseService } from '../../database/database.service.js';
import type { AccountEntity } from './account.entity.js';
import { AccountSealer } from './account-sealer.js';
import { AccountRepository } from './account.repository.js';
import type { Account } from './account.js';
import { EnvironmentAccountService } from './environment-account.service.js';

/**
 * Which accounts exist, held in memory. The AppSecrets stay sealed here until the moment of a call.
 */
@Injectable()
export class AccountService implements OnApplicationBootstrap {
  private accounts = new Map<string, { account: Account; sealedSecret: string }>();
  private markLoaded: () => void = () => undefined;
  /** Resolves once the accounts have been read for the first time; never rejects. */
  readonly loaded = new Promise<void>((resolve) => {
    this.markLoaded = resolve;
  });

  constructor(
    private readonly repository: AccountRepository,
    private readonly environmentAccount: EnvironmentAccountService,
    private readonly sealer: AccountSealer,
    private readonly database: DatabaseService,
    private readonly config: AppConfig,
  ) {}

  onApplicationBootstrap(): void {
    void this.load();
  }

  all(): Account[] {
    return [...this.accounts.values()].map(({ account }) => account);
  }

  find(appId: string): Account | undefined {
    return this.accounts.get(appId)?.account;
  }

  /**
   * The AppSecret, opened for one call.
   * @throws SealedValueError when no configured key opens the row
   */
  openSecret(appId: string): string {
    const entry = this.accounts.get(appId);
    if (entry === undefined) {
      throw new Error(`there is no account ${appId}`);
    }
    return this.sealer.open(appId, entry.sealedSecret);
  }

  private async load(): Promise<void> {
    const loaded = await this.database.load('accounts', async () => {
      if (this.config.account !== undefined) {
        await this.environmentAccount.apply(this.config.account);
      }
      await this.sealer.rewriteOld(await this.repository.loadAll());
      const rows = await this.repository.loadAll();
      this.accounts = new Map(rows.map((row) => [row.appId, toEntry(row)]));
    });
    if (loaded) {
      this.markLoaded();
    }
  }
}

function toEntry(row: AccountEntity): { account: Account; sealedSecret: string } {
  const { appId, name, mode, configVersion } = row;
  return {
    account: Object.freeze({
      appId,
      name,
      mode,
      configVersion,
      enabled: row.enabled === 1,
      jssdkHosts: Object.freeze(row.jssdkHosts ?? []),
    }),
    sealedSecret: row.secret,
  };
}
