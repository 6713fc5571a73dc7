import { Inject, Injectable } from '@nestjs/common';
import { ACCESS_TOKEN } from '../access-token/access-token.client.js';
import { CredentialService } from '../credentials/credential.service.js';
import { valueHash } from '../credentials/value-hash.js';

interface Indexed {
  readonly value: string | undefined;
  readonly previousHash: string | undefined;
  readonly hashes: readonly string[];
}

/** Where the tokens come from. */
type TokenSource = Pick<CredentialService, 'isLoaded' | 'notLoaded' | 'onChange' | 'values'>;

const NOTHING: Indexed = { value: undefined, previousHash: undefined, hashes: [] };

/**
 * Of which account an access_token is, or was until the last rotation: one look-up by its hash, however many
 * accounts there are. Whether it is still good is the engine's to say (CredentialService.validity).
 */
@Injectable()
export class TokenIndexService {
  /** AppIDs by the hash of a token. */
  private readonly appIds = new Map<string, string>();
  private readonly indexed = new Map<string, Indexed>();

  constructor(@Inject(CredentialService) private readonly credentials: TokenSource) {
    credentials.onChange((appId, kind) => {
      if (kind === ACCESS_TOKEN) {
        this.reindex(appId);
      }
    });
  }

  /**
   * @returns undefined for one that was not handed out here, or longer ago than the last rotation
   * @throws AppError `database_unavailable` before the tokens are loaded
   */
  find(token: string): string | undefined {
    if (!this.credentials.isLoaded) {
      throw this.credentials.notLoaded();
    }
    return this.appIds.get(valueHash(token));
  }

  /** A credential changes with every statement on its row: nothing is hashed unless the value is another one. */
  private reindex(appId: string): void {
    const before = this.indexed.get(appId) ?? NOTHING;
    const { value, previousHash } = this.credentials.values(appId, ACCESS_TOKEN);
    if (value === before.value && previousHash === before.previousHash) {
      return;
    }
    for (const hash of before.hashes) {
      if (this.appIds.get(hash) === appId) {
        this.appIds.delete(hash);
      }
    }
    const hashes = [
      ...(previousHash === undefined ? [] : [previousHash]),
      ...(value === undefined ? [] : [valueHash(value)]),
    ];
    for (const hash of hashes) {
      this.appIds.set(hash, appId);
    }
    if (hashes.length === 0) {
      this.indexed.delete(appId);
    } else {
      this.indexed.set(appId, { value, previousHash, hashes });
    }
  }
}
