import { Injectable } from '@nestjs/common';
import { Keyring } from '../encryption/keyring.js';
import { SealedValueError } from '../encryption/sealed-value.error.js';
import { AccountSealer } from '../wechat/accounts/account-sealer.js';
import { AccountRepository } from '../wechat/accounts/account.repository.js';
import { CredentialSealer } from '../wechat/credentials/credential-sealer.js';
import { CredentialRepository } from '../wechat/credentials/credential.repository.js';

export interface RotationReport {
  /** How many values the database holds. */
  readonly values: number;
  /** How many of them this run has sealed anew. */
  readonly resealed: number;
  /** What is not sealed with the current key, by the id of its key; `unreadable` for what is no sealed value. */
  readonly left: ReadonlyMap<string, number>;
}

/**
 * Seals with the current key whatever another one sealed, row by row, beside replicas that serve from the
 * same rows. Each row is one statement that changes nothing when the value is no longer the one that was
 * read, so a refresh in between keeps what it wrote, and is found at the next look.
 */
@Injectable()
export class KeyRotationService {
  constructor(
    private readonly keyring: Keyring,
    private readonly accounts: AccountRepository,
    private readonly accountSealer: AccountSealer,
    private readonly credentials: CredentialRepository,
    private readonly credentialSealer: CredentialSealer,
  ) {}

  /** @throws DatabaseError */
  async rotate(): Promise<RotationReport> {
    const before = this.others(await this.sealedValues());
    await this.accountSealer.rewriteOld(await this.accounts.loadAll());
    await this.credentialSealer.rewriteOld(await this.credentials.loadAll());
    const values = await this.sealedValues();
    const left = this.others(values);
    return { values: values.length, resealed: Math.max(0, total(before) - total(left)), left };
  }

  private async sealedValues(): Promise<string[]> {
    const secrets = (await this.accounts.loadAll()).map(({ secret }) => secret);
    const tokens = (await this.credentials.loadAll()).map(({ value }) => value ?? '');
    // Empty: not fetched yet, or wiped with a removed account.
    return [...secrets, ...tokens].filter((sealed) => sealed !== '');
  }

  private others(sealed: readonly string[]): Map<string, number> {
    const counts = new Map<string, number>();
    for (const keyId of sealed.map((value) => this.keyIdOf(value))) {
      if (keyId !== this.keyring.currentKeyId) {
        counts.set(keyId, (counts.get(keyId) ?? 0) + 1);
      }
    }
    return counts;
  }

  private keyIdOf(sealed: string): string {
    try {
      return this.keyring.keyIdOf(sealed);
    } catch (error) {
      if (error instanceof SealedValueError) {
        return 'unreadable';
      }
      throw error;
    }
  }
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
