import { Injectable, Logger } from '@nestjs/common';
import { AppConfig, type TokenMode } from '../../config/app-config.js';
import { DatabaseError } from '../../database/database-error.js';
import type { AccountEntity } from './account.entity.js';
import { AccountSealer } from './account-sealer.js';
import { AccountRepository } from './account.repository.js';

const MOST_ATTEMPTS = 10;

type EnvironmentAccount = NonNullable<AppConfig['account']>;

/**
 * Creates the account that the environment names, or brings over what changed in the environment since
 * it was last applied. What an admin changed meanwhile stays: each field is compared with what the
 * environment itself set last, not with what the row holds.
 */
@Injectable()
export class EnvironmentAccountService {
  private readonly logger = new Logger(EnvironmentAccountService.name);

  constructor(
    private readonly repository: AccountRepository,
    private readonly sealer: AccountSealer,
    private readonly config: AppConfig,
  ) {}

  /** @throws DatabaseError, also when other processes change the row again and again meanwhile */
  async apply(): Promise<void> {
    const { account } = this.config;
    if (account === undefined) {
      return;
    }
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const row = await this.repository.load(account.appId);
      if (await this.applyTo(row, account)) {
        return;
      }
      // Another process was faster, as when replicas start together: what it wrote is looked at next.
    }
    throw new DatabaseError('conflict', 'other processes keep changing the account');
  }

  /** @returns false when the row was changed meanwhile */
  private applyTo(row: AccountEntity | null, account: EnvironmentAccount): Promise<boolean> {
    if (row === null) {
      return this.create(account);
    }
    if (row.removedAt === null) {
      return this.update(row, account);
    }
    return this.sealer.isSame(account.appSecret, row.environmentSecret)
      ? this.leaveRemoved(row, account)
      : this.create(account, row);
  }

  private leaveRemoved(row: AccountEntity, { appSecret }: EnvironmentAccount): Promise<boolean> {
    this.logger.warn({
      event: 'account_stays_removed',
      app_id: row.appId,
      advice:
        'an admin removed it; take WECHAT_APP_ID out of the environment, or add it again: POST /v1/admin/accounts',
    });
    return this.remember(row, appSecret);
  }

  /** Made with the current encryption key, the fingerprint outlasts the one before. */
  private async remember(row: AccountEntity, appSecret: string): Promise<boolean> {
    const environmentSecret = this.sealer.fingerprint(appSecret);
    return (
      environmentSecret === row.environmentSecret ||
      this.repository.remember(row, environmentSecret)
    );
  }

  private async create(
    { appId, appSecret, mode }: EnvironmentAccount,
    removed?: AccountEntity,
  ): Promise<boolean> {
    const account = {
      appId,
      name: null,
      mode: mode ?? 'stable',
      secret: this.sealer.seal(appId, appSecret),
      configVersion: (removed?.configVersion ?? 0) + 1,
      enabled: 1,
      environmentSecret: this.sealer.fingerprint(appSecret),
      environmentMode: mode ?? null,
      jssdkHosts: null,
    };
    const created = await (removed === undefined
      ? this.repository.insert(account)
      : this.repository.restore(removed, account));
    if (created) {
      this.logger.log({ event: 'account_created', app_id: appId, mode: mode ?? 'stable' });
    }
    return created;
  }

  private async update(row: AccountEntity, account: EnvironmentAccount): Promise<boolean> {
    const change = {
      ...this.secretChange(row, account.appSecret),
      ...modeChange(row, account.mode),
    };
    if (Object.keys(change).length === 0) {
      return this.remember(row, account.appSecret);
    }
    const changed = await this.repository.change(row, {
      ...change,
      configVersion: row.configVersion + 1,
    });
    if (changed) {
      this.logger.log({
        event: 'account_changed_by_environment',
        app_id: row.appId,
        changed: Object.keys(change),
      });
    }
    return changed;
  }

  private secretChange(
    row: AccountEntity,
    appSecret: string,
  ): Partial<Pick<AccountEntity, 'secret' | 'environmentSecret'>> {
    if (this.sealer.isSame(appSecret, row.environmentSecret)) {
      return {};
    }
    return {
      secret: this.sealer.seal(row.appId, appSecret),
      environmentSecret: this.sealer.fingerprint(appSecret),
    };
  }
}

function modeChange(
  row: AccountEntity,
  mode: TokenMode | undefined,
): Partial<Pick<AccountEntity, 'mode' | 'environmentMode'>> {
  return mode === undefined || mode === row.environmentMode ? {} : { mode, environmentMode: mode };
}
