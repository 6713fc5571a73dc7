import { Injectable } from '@nestjs/common';
import { accountDisabled, accountRefused } from '../../access/refusals.js';
import { accountNotFound } from '../accounts/account.errors.js';
import { WechatCallError } from '../api/wechat-call.error.js';
import { CredentialReaderService } from '../credentials/credential-reader.service.js';
import type { Credential } from '../credentials/credential.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import { CredentialStore } from '../credentials/credential-store.js';
import { ProbeService } from '../credentials/probe.service.js';
import { RefreshService } from '../credentials/refresh.service.js';
import { AccessTokenClient } from './access-token.client.js';

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
    private readonly store: CredentialStore,
    private readonly reader: CredentialReaderService,
    private readonly probes: ProbeService,
    private readonly refreshes: RefreshService,
    private readonly kind: AccessTokenClient,
  ) {
    this.store.register(this.kind);
  }

  /** What may be handed out at this moment, if anything. No promise, no I/O. */
  current(slot: Credential, nowMs?: number): CredentialSnapshot | undefined {
    return this.store.current(slot, nowMs);
  }

  /** For the read listener: throws nothing. @returns undefined where {@link slot} or {@link read} must decide */
  currentOf(appId: string, nowMs: number): CredentialSnapshot | undefined {
    const slot = this.store.find(appId, this.kind.name);
    return slot?.account.enabled === true ? this.store.current(slot, nowMs) : undefined;
  }

  /** Whether there is a token at this moment. No promise, no I/O; false where there is no such account. */
  isAvailable(appId: string): boolean {
    const slot = this.store.find(appId, this.kind.name);
    return slot !== undefined && this.store.current(slot) !== undefined;
  }

  /** When the last fetch of its token ended well; 0 where the last one failed, or there was none. */
  refreshedAtMs(appId: string): number {
    const row = this.store.find(appId, this.kind.name)?.row;
    return row === undefined || row.failures > 0 || row.owner !== null ? 0 : row.fetchEndedAt;
  }

  get rowsReadAtMs(): number {
    return this.store.rowsReadAtMs;
  }

  /** How much longer a token may be kept on the last reading of its row, in milliseconds. */
  trustLeftMs(snapshot: CredentialSnapshot, nowMs: number): number {
    return this.store.trustLeftMs(snapshot, nowMs);
  }

  /**
   * The token, at once or after the refresh under way.
   * @throws AppError `token_unavailable`
   */
  read(slot: Credential, waitMs: number): Promise<CredentialSnapshot> {
    return this.reader.read(slot, waitMs);
  }

  /**
   * Calls WeChat with the token. Where WeChat says that it is dead, the token is condemned and replaced,
   * and the call repeated once.
   * @throws WechatCallError of the call, AppError `token_unavailable`
   */
  async use<T>(appId: string, call: (token: string) => Promise<T>): Promise<T> {
    const slot = this.slot(appId);
    const first = await this.reader.read(slot, TOKEN_WAIT_MS);
    try {
      return await call(first.value);
    } catch (error) {
      if (!isDeadCredential(error)) {
        throw error;
      }
      await this.probes.markDead(slot, first.version);
    }
    if (slot.isDead) {
      const request = { cause: 'report', force: 'no', replaces: slot.target } as const;
      await this.refreshes.refresh(slot, request, NEW_TOKEN_WAIT_MS);
    }
    const second = await this.reader.read(slot, 0);
    return call(second.value);
  }

  /**
   * The account's token, for a client whose key may use the account: an account that does not exist is refused
   * like one that the key may not see; of one that is switched off the client is told so.
   * @throws AppError `forbidden`, `database_unavailable` before the accounts are loaded
   */
  slot(appId: string): Credential {
    const slot = this.find(appId);
    if (slot === undefined) {
      throw accountRefused();
    }
    if (!slot.account.enabled) {
      throw accountDisabled(appId);
    }
    return slot;
  }

  /**
   * Of which account a token is that a caller brings. Whether it is still good: credentials/token-validity.ts.
   * @returns undefined for one that was not handed out here, or longer ago than the last rotation
   * @throws AppError `database_unavailable` before the tokens are loaded, `forbidden` for an account that is
   *   switched off: whoever holds its token knows the account
   */
  slotOfToken(token: string): Credential | undefined {
    if (!this.store.isLoaded) {
      throw this.store.notLoaded();
    }
    const slot = this.store.findByValue(token, this.kind);
    if (slot?.account.enabled === false) {
      throw accountDisabled(slot.account.appId);
    }
    return slot;
  }

  /**
   * The account's token, for an admin.
   * @throws AppError `account_not_found`, `database_unavailable` before the accounts are loaded
   */
  slotForAdmin(appId: string): Credential {
    const slot = this.find(appId);
    if (slot === undefined) {
      throw accountNotFound();
    }
    return slot;
  }

  /** All credentials of an account, the token among them. @throws AppError like `slotForAdmin` */
  slotsForAdmin(appId: string): Credential[] {
    this.slotForAdmin(appId);
    return this.store.ofAccount(appId);
  }

  /** Every account's token, by AppID, for an admin. @throws AppError `database_unavailable` before they are loaded */
  all(): Credential[] {
    this.assertLoaded();
    return this.store
      .all()
      .filter(({ kind }) => kind === this.kind)
      .sort((one, other) => (one.account.appId < other.account.appId ? -1 : 1));
  }

  /** @throws AppError `database_unavailable` before the accounts are loaded */
  assertLoaded(): void {
    if (!this.store.isLoaded) {
      throw this.store.notLoaded();
    }
  }

  /** Whether clients get the token of this account at all. */
  isServed(appId: string): boolean {
    return this.store.find(appId, this.kind.name)?.isServed === true;
  }

  private find(appId: string): Credential | undefined {
    const slot = this.store.find(appId, this.kind.name);
    if (slot === undefined) {
      this.assertLoaded();
    }
    return slot;
  }
}

function isDeadCredential(error: unknown): boolean {
  return error instanceof WechatCallError && error.failureClass === 'dead_credential';
}
