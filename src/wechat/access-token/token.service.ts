import { Injectable } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { accountDisabled, accountRefused } from '../../access/refusals.js';
import type { Account } from '../accounts/account.js';
import { accountNotFound } from '../accounts/account.errors.js';
import { WechatCallError } from '../api/wechat-call.error.js';
import { CredentialService, type CredentialStatus } from '../credentials/credential.service.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import { ACCESS_TOKEN, AccessTokenClient } from './access-token.client.js';

/** How long a call of our own waits for a token, and for a new one after WeChat refused the first. */
const TOKEN_WAIT_MS = 5_000;
const NEW_TOKEN_WAIT_MS = 20_000;

/**
 * The access_token for everybody in this process: controllers hand it out, other modules call WeChat
 * with it. Fetching it and keeping it alive is the engine's work (../credentials).
 */
@Injectable()
export class TokenService {
  constructor(
    private readonly credentials: CredentialService,
    client: AccessTokenClient,
  ) {
    this.credentials.register(client);
  }

  /** The schedule: what is due is refreshed, tokens and tickets alike. */
  @Cron(CronExpression.EVERY_SECOND)
  refreshDue(): void {
    this.credentials.startDue();
  }

  /** What may be handed out at this moment, if anything. No promise, no I/O, throws nothing. */
  current(appId: string, nowMs?: number): CredentialSnapshot | undefined {
    return this.credentials.current(appId, ACCESS_TOKEN, nowMs);
  }

  /** How much longer a token may be kept on the last reading of its row, in milliseconds. */
  trustLeftMs(snapshot: CredentialSnapshot, nowMs: number): number {
    return this.credentials.trustLeftMs(snapshot, nowMs);
  }

  /**
   * The token, at once or after the refresh under way.
   * @throws AppError `token_unavailable`; like {@link requireForClient}
   */
  async read(appId: string, waitMs: number): Promise<CredentialSnapshot> {
    this.requireForClient(appId);
    return this.credentials.read(appId, ACCESS_TOKEN, waitMs);
  }

  /**
   * Calls WeChat with the token. Where WeChat says that it is dead, the token is marked dead and replaced,
   * and the call repeated once.
   * @throws WechatCallError of the call, AppError `token_unavailable`
   */
  async use<T>(appId: string, call: (token: string) => Promise<T>): Promise<T> {
    const first = await this.read(appId, TOKEN_WAIT_MS);
    try {
      return await call(first.value);
    } catch (error) {
      if (!isDeadCredential(error)) {
        throw error;
      }
      await this.credentials.markDead(appId, ACCESS_TOKEN, first.version);
    }
    if (this.requireForClient(appId).isDead) {
      await this.credentials.refresh(appId, ACCESS_TOKEN, { cause: 'report' }, NEW_TOKEN_WAIT_MS);
    }
    const second = await this.read(appId, 0);
    return call(second.value);
  }

  /**
   * For a client whose key may use the account: an account that does not exist is refused like one that the key may not
   * see; of one that is switched off the client is told so.
   * @throws AppError `forbidden`, `database_unavailable` before the accounts are loaded
   */
  requireForClient(appId: string): CredentialStatus {
    const status = this.status(appId);
    if (status === undefined) {
      throw accountRefused();
    }
    if (!status.account.enabled) {
      throw accountDisabled(appId);
    }
    return status;
  }

  /** @throws AppError `account_not_found`, `database_unavailable` before the accounts are loaded */
  requireForAdmin(appId: string): CredentialStatus {
    const status = this.status(appId);
    if (status === undefined) {
      throw accountNotFound();
    }
    return status;
  }

  /** Every account, by AppID, for an admin. @throws AppError `database_unavailable` before they are loaded */
  accounts(): Account[] {
    this.assertLoaded();
    return this.credentials
      .accounts(ACCESS_TOKEN)
      .sort((one, other) => (one.appId < other.appId ? -1 : 1));
  }

  /** @throws AppError `database_unavailable` before the accounts are loaded */
  assertLoaded(): void {
    if (!this.credentials.isLoaded) {
      throw this.credentials.notLoaded();
    }
  }

  /** Whether clients get the token of this account at all. */
  isServed(appId: string): boolean {
    return this.credentials.status(appId, ACCESS_TOKEN)?.account.enabled === true;
  }

  /** When the last fetch of its token ended well; 0 where the last one failed, or there was none. */
  refreshedAtMs(appId: string): number {
    return this.credentials.status(appId, ACCESS_TOKEN)?.refreshedAtMs ?? 0;
  }

  private status(appId: string): CredentialStatus | undefined {
    const status = this.credentials.status(appId, ACCESS_TOKEN);
    if (status === undefined) {
      this.assertLoaded();
    }
    return status;
  }
}

function isDeadCredential(error: unknown): boolean {
  return error instanceof WechatCallError && error.failureClass === 'dead_credential';
}
