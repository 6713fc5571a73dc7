import { Injectable } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseError } from '../../database/database-error.js';
import { AccountService } from '../accounts/account.service.js';
import { importedDueAtMs } from './credential.policy.js';
import { RefreshHistoryRepository } from '../refresh-history/refresh-history.repository.js';
import { CredentialSealer } from './credential-sealer.js';
import { CredentialRepository } from './credential.repository.js';
import type { Credential } from './credential.js';
import type { ImportedValue } from './credential-kind.js';
import { CredentialStore } from './credential-store.js';

/**
 * Which credentials there are while accounts come, change and go: a row and a credential for each account and
 * each kind that is fetched ahead; of the others those that were needed (CredentialStore.open).
 *
 *   account added    ─▶ empty row ─▶ credential
 *   account changed  ─▶ the same credential, told of it; a new secret or mode makes it due
 *   account removed  ─▶ credentials of all kinds retired, then their rows removed; in this order, so that no poll
 *                       makes them again
 *
 * What is under way for a removed account ends without effect: its row is gone, and every statement of the
 * protocol names the row's id.
 */
@Injectable()
export class CredentialLifecycleService {
  /** Accounts that changed and were not followed to the end yet, with the credentials that were retired. */
  private readonly pending = new Map<string, Credential[]>();

  constructor(
    private readonly store: CredentialStore,
    private readonly repository: CredentialRepository,
    private readonly accounts: AccountService,
    private readonly history: RefreshHistoryRepository,
    private readonly sealer: CredentialSealer,
    private readonly clock: DatabaseClock,
  ) {
    accounts.onChange((appIds) => {
      appIds.forEach((appId) => this.noteChange(appId));
    });
  }

  /**
   * Makes and removes rows after accounts that changed, and goes on where the database was away.
   * @throws DatabaseError
   */
  async followAll(): Promise<void> {
    if (this.store.isLoaded) {
      for (const appId of this.pending.keys()) {
        await this.follow(appId);
      }
    }
  }

  /** Brings the credentials of one account to what the account is now. @throws DatabaseError; {@link followAll} goes on */
  async follow(appId: string): Promise<void> {
    const retired = this.noteChange(appId);
    if (this.accounts.find(appId) === undefined) {
      await this.repository.removeLeftBy(appId);
      for (const kind of this.store.allKinds()) {
        await kind.forget?.(appId);
      }
    } else {
      await this.addMissing(appId);
    }
    for (const { kind, facts } of retired) {
      const { pendingSuspicionMs } = facts;
      // Fetched before this process knew that the account is another: it may have ended the other's value.
      if (pendingSuspicionMs !== undefined) {
        this.store.find(appId, kind.name)?.addPendingSuspicion(pendingSuspicionMs);
      }
    }
    // Unless it has changed again meanwhile.
    if (this.pending.get(appId) === retired) {
      this.pending.delete(appId);
    }
  }

  /** At once, before the credentials are read: their rows must find the credentials of the account as it is now. */
  private noteChange(appId: string): Credential[] {
    const retired = [...(this.pending.get(appId) ?? []), ...this.updateKnown(appId)];
    this.pending.set(appId, retired);
    return retired;
  }

  /**
   * Takes over a live value that another server fetched, so that moving here rotates nothing. It is the first version of
   * its row, written like a commit under a fence, and treated like any other from then on. Unconfirmed, it is probed
   * until WeChat answers. Where a fetch ends no older value it is due at once: that tries the AppSecret.
   * @throws DatabaseError, also when the row has been claimed or filled already
   */
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

  /** @returns the credentials that were retired */
  private updateKnown(appId: string): Credential[] {
    const account = this.accounts.find(appId);
    return this.store.ofAccount(appId).filter((credential) => {
      if (account?.fenceBase === credential.account.fenceBase) {
        credential.reconfigure(account);
        return false;
      }
      this.store.retire(credential);
      return true;
    });
  }

  private async addMissing(appId: string): Promise<void> {
    for (const kind of this.store.kindsAhead()) {
      await this.store.open(appId, kind);
    }
  }
}
