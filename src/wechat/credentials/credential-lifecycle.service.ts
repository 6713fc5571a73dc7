import { Injectable } from '@nestjs/common';
import { AccountPollService } from '../accounts/account-poll.service.js';
import { AccountService } from '../accounts/account.service.js';
import { CredentialRepository } from './credential.repository.js';
import type { Credential } from './credential.js';
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
  /** Accounts that were found changed and not followed to the end yet. */
  private readonly pending = new Set<string>();

  constructor(
    private readonly store: CredentialStore,
    private readonly repository: CredentialRepository,
    private readonly accounts: AccountService,
    private readonly accountPoll: AccountPollService,
  ) {}

  /** Follows what other replicas did, and what could not be followed before. @throws DatabaseError */
  async poll(): Promise<void> {
    for (const appId of await this.accountPoll.poll()) {
      this.pending.add(appId);
    }
    for (const appId of this.pending) {
      await this.follow(appId);
    }
  }

  /** Brings the credentials of one account to what the account is now. @throws DatabaseError; the next poll goes on */
  async follow(appId: string): Promise<void> {
    this.pending.add(appId);
    const retired = this.updateSlots(appId);
    if (this.accounts.find(appId) === undefined) {
      await this.repository.removeLeftBy(appId);
      for (const kind of this.store.allKinds()) {
        await kind.forget?.(appId);
      }
    } else {
      await this.addSlots(appId);
    }
    for (const { kind, facts } of retired) {
      const { pendingSuspicionMs } = facts;
      // Fetched before this process knew that the account is another: it may have ended the other's value.
      if (pendingSuspicionMs !== undefined) {
        this.store.find(appId, kind.name)?.addPendingSuspicion(pendingSuspicionMs);
      }
    }
    this.pending.delete(appId);
  }

  /** @returns the credentials that were retired */
  private updateSlots(appId: string): Credential[] {
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

  private async addSlots(appId: string): Promise<void> {
    for (const kind of this.store.kindsAhead()) {
      await this.store.open(appId, kind);
    }
  }
}
