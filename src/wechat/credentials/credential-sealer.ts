import { Injectable, Logger } from '@nestjs/common';
import { Keyring, type SealedPlace } from '../../encryption/keyring.js';
import { SealedValueError } from '../../encryption/sealed-value.error.js';
import type { CredentialEntity } from './credential.entity.js';
import { CredentialRepository } from './credential.repository.js';

/** Seals the values of credentials to their rows, and opens them. */
@Injectable()
export class CredentialSealer {
  private readonly logger = new Logger(CredentialSealer.name);

  constructor(
    private readonly keyring: Keyring,
    private readonly repository: CredentialRepository,
  ) {}

  seal(rowId: string, value: string): string {
    return this.keyring.seal(value, placeOf(rowId));
  }

  /** @throws SealedValueError when no configured key opens it */
  open({ id, value }: CredentialEntity): string {
    return this.keyring.open(value ?? '', placeOf(id));
  }

  /**
   * Seals with the current key what a previous one sealed, so that the previous one can go. What does not
   * open is left as it is: its account is blocked and says so.
   * @throws DatabaseError
   */
  async rewriteOld(rows: readonly CredentialEntity[]): Promise<void> {
    for (const row of rows) {
      const resealed = this.reseal(row);
      if (row.value !== null && resealed !== undefined) {
        await this.repository.reseal(row.id, row.value, resealed);
      }
    }
  }

  private reseal(row: CredentialEntity): string | undefined {
    try {
      return row.value === null ? undefined : this.keyring.reseal(row.value, placeOf(row.id));
    } catch (error) {
      if (!(error instanceof SealedValueError)) {
        throw error;
      }
      this.logger.error({ event: 'sealed_value', app_id: row.appId, reason: error.message });
      return undefined;
    }
  }
}

function placeOf(rowId: string): SealedPlace {
  return { table: 'credential', row: rowId, column: 'value' };
}
