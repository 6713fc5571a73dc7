import { Injectable } from '@nestjs/common';
import type { TokenMode } from '../../config/app-config.js';
import { DatabaseError } from '../../database/database-error.js';
import { SealedValueError } from '../../encryption/sealed-value.error.js';
import type { AccountEntity } from './account.entity.js';
import { AccountFollowerService } from './account-follower.service.js';
import { AccountSealer } from './account-sealer.js';
import { AccountRepository } from './account.repository.js';

const MOST_ATTEMPTS = 10;

export interface AccountFields {
  readonly name: string | null;
  readonly mode: TokenMode;
  readonly secret: string;
  readonly enabled: boolean;
  /** None: any host. */
  readonly jssdkHosts: readonly string[];
}

/**
 * Adds, alters and removes accounts at run time. Each change is one statement that holds only while the
 * row is as it was read; this process knows of it at once, the others by their next poll.
 */
@Injectable()
export class AccountEditorService {
  constructor(
    private readonly follower: AccountFollowerService,
    private readonly repository: AccountRepository,
    private readonly sealer: AccountSealer,
  ) {}

  /** @returns false when the account exists. @throws DatabaseError */
  create(appId: string, fields: AccountFields): Promise<boolean> {
    return this.attempt(appId, (row) => {
      if (row?.removedAt === null) {
        return 'refused';
      }
      const account = {
        appId,
        name: fields.name,
        mode: fields.mode,
        secret: this.sealer.seal(appId, fields.secret),
        configVersion: (row?.configVersion ?? 0) + 1,
        enabled: fields.enabled ? 1 : 0,
        environmentSecret: row?.environmentSecret ?? null,
        environmentMode: row?.environmentMode ?? null,
        jssdkHosts: hostsColumn(fields.jssdkHosts),
      };
      return row === null ? this.repository.insert(account) : this.repository.restore(row, account);
    });
  }

  /**
   * Another secret or mode makes a refresh due at once; the same one again changes nothing.
   * @returns false when there is no such account
   * @throws DatabaseError
   */
  alter(appId: string, change: Partial<AccountFields>): Promise<boolean> {
    return this.attempt(appId, (row) => {
      if (row?.removedAt !== null) {
        return 'refused';
      }
      const { name, mode = row.mode, secret, enabled, jssdkHosts } = change;
      const isNewSecret = secret !== undefined && !this.holds(row, secret);
      return this.repository.change(row, {
        ...(name !== undefined && { name }),
        ...(enabled !== undefined && { enabled: enabled ? 1 : 0 }),
        ...(jssdkHosts !== undefined && { jssdkHosts: hostsColumn(jssdkHosts) }),
        ...(isNewSecret && { secret: this.sealer.seal(appId, secret) }),
        mode,
        configVersion: row.configVersion + (isNewSecret || mode !== row.mode ? 1 : 0),
      });
    });
  }

  /**
   * @param fenceBase where the fences of its credentials start, should it be added again
   * @returns false when there is no such account
   * @throws DatabaseError
   */
  remove(appId: string, fenceBase: number): Promise<boolean> {
    return this.attempt(appId, (row) =>
      row?.removedAt === null ? this.repository.remove(row, fenceBase) : 'refused',
    );
  }

  private async attempt(
    appId: string,
    change: (row: AccountEntity | null) => Promise<boolean> | 'refused',
  ): Promise<boolean> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const outcome = await change(await this.repository.load(appId));
      if (outcome === 'refused') {
        return false;
      }
      if (outcome) {
        await this.follower.catchUp();
        return true;
      }
      // Somebody else was faster: what they wrote is looked at next.
    }
    throw new DatabaseError('conflict', 'other requests keep changing the account');
  }

  private holds(row: AccountEntity, secret: string): boolean {
    try {
      return this.sealer.open(row.appId, row.secret) === secret;
    } catch (error) {
      if (error instanceof SealedValueError) {
        return false;
      }
      throw error;
    }
  }
}

function hostsColumn(hosts: readonly string[]): string[] | null {
  return hosts.length === 0 ? null : [...hosts];
}
