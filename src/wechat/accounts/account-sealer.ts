import { Injectable, Logger } from '@nestjs/common';
import { Keyring, type SealedPlace } from '../../encryption/keyring.js';
import { SealedValueError } from '../../encryption/sealed-value.error.js';
import type { AccountEntity } from './account.entity.js';
import { AccountRepository } from './account.repository.js';

/** Seals AppSecrets to their rows, and opens them for a call. */
@Injectable()
export class AccountSealer {
  private readonly logger = new Logger(AccountSealer.name);

  constructor(
    private readonly keyring: Keyring,
    private readonly repository: AccountRepository,
  ) {}

  seal(appId: string, secret: string): string {
    return this.keyring.seal(secret, placeOf(appId));
  }

  /** @throws SealedValueError when no configured key opens it */
  open(appId: string, sealed: string): string {
    return this.keyring.open(sealed, placeOf(appId));
  }

  /** What shows later whether a secret is the same, without keeping the secret for it. */
  fingerprint(secret: string): string {
    return this.keyring.fingerprint(secret);
  }

  isSame(secret: string, fingerprint: string | null): boolean {
    return fingerprint !== null && this.keyring.matchesFingerprint(secret, fingerprint);
  }

  /**
   * Seals with the current key what a previous one sealed, so that the previous one can go. What does not
   * open is left as it is: its account is blocked and says so.
   * @throws DatabaseError
   */
  async rewriteOld(rows: readonly AccountEntity[]): Promise<void> {
    for (const row of rows.filter(({ removedAt }) => removedAt === null)) {
      const change = this.reseal(row);
      if (change !== undefined) {
        // Another replica that was faster has done the same.
        await this.repository.change(row, change);
      }
    }
  }

  private reseal(
    row: AccountEntity,
  ): Pick<AccountEntity, 'secret' | 'environmentSecret'> | undefined {
    try {
      const secret = this.keyring.reseal(row.secret, placeOf(row.appId));
      if (secret === undefined) {
        return undefined;
      }
      const opened = this.open(row.appId, secret);
      const isFromEnvironment = this.isSame(opened, row.environmentSecret);
      return {
        secret,
        environmentSecret: isFromEnvironment ? this.fingerprint(opened) : row.environmentSecret,
      };
    } catch (error) {
      if (!(error instanceof SealedValueError)) {
        throw error;
      }
      this.logger.error({ event: 'sealed_value', app_id: row.appId, reason: error.message });
      return undefined;
    }
  }
}

function placeOf(appId: string): SealedPlace {
  return { table: 'account', row: appId, column: 'secret' };
}
