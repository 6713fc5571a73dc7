import { Injectable } from '@nestjs/common';
import type { Origin } from '../../audit/origin.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseError } from '../../database/database-error.js';
import { importedDueAtMs } from './credential.policy.js';
import { CredentialRepository } from './credential.repository.js';
import { CredentialSealer } from './credential-sealer.js';
import type { Credential } from './credential.js';
import { CredentialStore } from './credential-store.js';
import { RefreshHistoryRepository } from '../refresh-history/refresh-history.repository.js';

export interface ImportedValue {
  readonly value: string;
  /** How long it still lives; how long it lives in all is not known. */
  readonly remainingMs: number;
  /** WeChat accepted it just now; else it could not be asked. */
  readonly isProved: boolean;
  readonly origin: Origin;
}

/**
 * Takes over a live value that another server fetched, so that moving here rotates nothing. It is the first
 * version of its row, written like a commit under a fence, and sealed and judged like any other from then on.
 * Unproved, it is asked after until WeChat answers (`isUnproved`). Where a fetch ends no older value it is due at
 * once: that tries the secret.
 */
@Injectable()
export class ImportService {
  constructor(
    private readonly repository: CredentialRepository,
    private readonly history: RefreshHistoryRepository,
    private readonly sealer: CredentialSealer,
    private readonly store: CredentialStore,
    private readonly clock: DatabaseClock,
  ) {}

  /** @throws DatabaseError, also when the row has been claimed or filled already */
  async import(credential: Credential, imported: ImportedValue): Promise<void> {
    const { value, remainingMs, isProved, origin } = imported;
    const { row, account, kind, policy } = credential;
    const nowMs = Math.trunc(this.clock.nowMs());
    const version = row.fence + 1;
    const claim = { id: row.id, fence: version, owner: '' };
    const opened = { appId: account.appId, kind: kind.name, cause: 'import', forced: false };
    await this.history.open(claim, {
      ...opened,
      startedAtMs: nowMs,
      versionBefore: credential.version,
      origin,
    });
    const isStored = await this.repository.storeFirst(row, {
      value: this.sealer.seal(row.id, value),
      configVersion: account.configVersion,
      obtainedAt: nowMs,
      expiresAt: nowMs + remainingMs,
      // Not a short life but the rest of one: no margin shrinks by it.
      lifetimeMs: Math.max(remainingMs, policy.fullLifetimeMs),
      suspectAt: isProved ? null : nowMs,
      nextAttemptAt: policy.fetchEndsOlderValue
        ? importedDueAtMs(policy, {
            appId: account.appId,
            version,
            obtainedAtMs: nowMs,
            remainingMs,
          })
        : nowMs,
    });
    await this.store.reload(credential);
    await this.history.close(claim, isStored ? 'committed' : 'fenced_off');
    if (!isStored) {
      throw new DatabaseError('conflict', 'the credential was fetched before it could be imported');
    }
  }
}
