import { Injectable, Logger } from '@nestjs/common';
import type { KeyUse } from '../access/client-directory.js';
import { DatabaseError } from '../database/database-error.js';
import { ClientKeyRepository } from './client-key.repository.js';

const KEYS_AT_ONCE = 500;

interface KnownUse extends KeyUse {
  storedMs: number;
}

/**
 * When each key was last used: marked in memory by requests, and written down together. Keys that were used in
 * the same second share a statement, so that a minute costs some sixty of them, however many keys there are.
 */
@Injectable()
export class KeyUses {
  private readonly logger = new Logger(KeyUses.name);
  private readonly uses = new Map<string, KnownUse>();

  constructor(private readonly repository: ClientKeyRepository) {}

  /** The mark of a key; always the same one, so that a change of the key's client loses no use. */
  of(keyId: string): KeyUse {
    let use = this.uses.get(keyId);
    if (use === undefined) {
      use = { atMs: 0, storedMs: 0 };
      this.uses.set(keyId, use);
    }
    return use;
  }

  forget(keyId: string): void {
    this.uses.delete(keyId);
  }

  /** Writes down what was marked since the last time. What a database that is away did not take, the next one does. */
  async flush(): Promise<void> {
    try {
      for (const [atMs, keyIds] of this.unstored()) {
        for (let start = 0; start < keyIds.length; start += KEYS_AT_ONCE) {
          await this.store(keyIds.slice(start, start + KEYS_AT_ONCE), atMs);
        }
      }
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      this.logger.warn({ event: 'last_use_not_stored', reason: error.driverCode });
    }
  }

  private unstored(): Map<number, string[]> {
    const byTime = new Map<number, string[]>();
    for (const [keyId, { atMs, storedMs }] of this.uses) {
      if (atMs > storedMs) {
        const keyIds = byTime.get(atMs) ?? [];
        keyIds.push(keyId);
        byTime.set(atMs, keyIds);
      }
    }
    return byTime;
  }

  private async store(keyIds: readonly string[], atMs: number): Promise<void> {
    await this.repository.markUsed(keyIds, atMs);
    for (const keyId of keyIds) {
      const use = this.uses.get(keyId);
      if (use !== undefined) {
        use.storedMs = atMs;
      }
    }
  }
}
