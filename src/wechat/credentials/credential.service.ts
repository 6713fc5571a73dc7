import { Injectable } from '@nestjs/common';
import { accountRefused } from '../../access/refusals.js';
import type { Origin } from '../../audit/origin.js';
import { DatabaseClock } from '../../database/database-clock.js';
import type { AppError } from '../../errors/app-error.js';
import { SharedCall } from '../../time/shared-call.js';
import type { Account } from '../accounts/account.js';
import type { Credential } from './credential.js';
import type {
  CredentialKind,
  ImportedValue,
  ProbeVerdict,
  RefreshCause,
} from './credential-kind.js';
import { overlapServedMs } from './credential.policy.js';
import { CredentialLifecycleService } from './credential-lifecycle.service.js';
import { CredentialReaderService } from './credential-reader.service.js';
import { CredentialScheduler } from './credential.scheduler.js';
import type { CredentialSnapshot } from './credential-snapshot.js';
import { describeCredential, type CredentialState } from './credential-state.js';
import { CredentialStore } from './credential-store.js';
import { allowedAtMs, claimableAtMs } from './credential-view.js';
import { incidentOfFailure } from './incident.js';
import { ProbeService } from './probe.service.js';
import type { RefreshFailure } from './refresh-failure.js';
import type { Force } from './refresh-request.js';
import { RefreshService } from './refresh.service.js';
import { tokenValidity, type TokenValidity } from './token-validity.js';

export interface WantedRefresh {
  readonly cause: RefreshCause;
  /** `requested`: WeChat is asked for a new value although the old one is good (stable mode). */
  readonly force?: Extract<Force, 'no' | 'requested'>;
  /** Who asked for it; absent where nobody but this process did. */
  readonly origin?: Origin;
}

export type RefreshAnswer =
  /** There is a newer value, or WeChat returned the stored one again. */
  | { readonly outcome: 'refreshed' }
  /** `incident`: the same object for all who are told of this failure. */
  | { readonly outcome: 'failed'; readonly failure: RefreshFailure; readonly incident: object }
  /** The claim was not stored, so WeChat was not called. */
  | { readonly outcome: 'database_away' }
  /** The floor, a lease or the ledger outlast the wait. */
  | { readonly outcome: 'too_early'; readonly retryAtMs: number }
  /** The account was removed meanwhile. */
  | { readonly outcome: 'removed' };

/** What is known of a credential at this moment. Times are milliseconds since 1970 by the database's clock. */
export interface CredentialStatus {
  readonly account: Account;
  /** 0 before the first value. */
  readonly version: number;
  readonly isDead: boolean;
  /** When the newest value was asked for; undefined before the first. */
  readonly obtainedAtMs: number | undefined;
  /** When the last fetch ended well; 0 where the last one failed, or there was none. */
  readonly refreshedAtMs: number;
  /** Whether {@link WantedRefresh.force} means anything: stable mode. */
  readonly canForce: boolean;
  /** When a forced refresh is allowed next. */
  readonly forcedAtMs: number;
  /** Until when WeChat accepts the newest value, should it be replaced when it is due; Infinity: until its end. */
  readonly replacedAtMs: number;
}

/**
 * The engine as the rest of the service sees it: one credential for each (AppID, kind). A module that has a kind of
 * credential registers it and reads it here; nothing else of this folder but its types leaves it.
 */
@Injectable()
export class CredentialService {
  private readonly rereads = new SharedCall<Credential>();

  constructor(
    private readonly store: CredentialStore,
    private readonly reader: CredentialReaderService,
    private readonly refreshes: RefreshService,
    private readonly probes: ProbeService,
    private readonly scheduler: CredentialScheduler,
    private readonly lifecycle: CredentialLifecycleService,
    private readonly clock: DatabaseClock,
  ) {}

  /** A module names its kind of credential, before the application starts. */
  register(kind: CredentialKind): void {
    this.store.register(kind);
  }

  /** Resolves once the credentials have been read for the first time; never rejects. */
  get loaded(): Promise<void> {
    return this.store.loaded;
  }

  get isLoaded(): boolean {
    return this.store.isLoaded;
  }

  /** What to answer before the first reading: `database_unavailable`. */
  notLoaded(): AppError {
    return this.store.notLoaded();
  }

  /** The accounts that have a credential of this kind. */
  accounts(kind: string): Account[] {
    return this.store.ofKind(kind).map(({ account }) => account);
  }

  /** @returns undefined where there is none, such as for an account that there is not */
  status(appId: string, kind: string): CredentialStatus | undefined {
    const credential = this.store.find(appId, kind);
    return credential && this.statusOf(credential);
  }

  /** What may be handed out at this moment, if anything. The hot path: no promise, no I/O. */
  current(appId: string, kind: string, nowMs = this.clock.nowMs()): CredentialSnapshot | undefined {
    const credential = this.store.find(appId, kind);
    return credential?.isServed === true ? this.store.current(credential, nowMs) : undefined;
  }

  /** How much longer a value may be kept on the last reading of its row, in milliseconds. */
  trustLeftMs(snapshot: CredentialSnapshot, nowMs: number): number {
    return this.store.trustLeftMs(snapshot, nowMs);
  }

  /**
   * Makes the credential of a kind that is not fetched ahead, at first need.
   * @returns false where there is no such account
   * @throws DatabaseError
   */
  async open(appId: string, kind: CredentialKind): Promise<boolean> {
    return (await this.store.open(appId, kind)) !== undefined;
  }

  /**
   * The value, at once or after the refresh under way.
   * @param waitMs how long to wait for a refresh when nothing is usable
   * @throws AppError `token_unavailable` with the reason of the last failure; `forbidden` when the account was
   *   removed or switched off
   */
  async read(appId: string, kind: string, waitMs: number): Promise<CredentialSnapshot> {
    return this.reader.read(this.require(appId, kind), waitMs);
  }

  /**
   * Replaces the value that is current now, unless somebody else does; joins an attempt under way.
   * @param waitMs bounds the wait for others and for the floor; an attempt of one's own is seen through
   * @throws AppError `forbidden` where there is no such credential
   */
  async refresh(
    appId: string,
    kind: string,
    wanted: WantedRefresh,
    waitMs: number,
  ): Promise<RefreshAnswer> {
    const credential = this.require(appId, kind);
    const { cause, force = 'no', origin } = wanted;
    const request = {
      cause,
      force,
      replaces: credential.target,
      ...(origin !== undefined && { origin }),
    };
    const result = await this.refreshes.refresh(credential, request, waitMs);
    if (credential.isRetired) {
      return { outcome: 'removed' };
    }
    switch (result.outcome) {
      case 'committed':
      case 'pending':
        return { outcome: 'refreshed' };
      case 'failed': {
        const { failure } = result;
        return { outcome: 'failed', failure, incident: incidentOfFailure(credential, failure) };
      }
      case 'database_away':
        return { outcome: 'database_away' };
      case 'not_claimed':
      case 'fenced_off':
      case 'out_of_time': {
        const nowMs = this.clock.nowMs();
        const claimableMs = claimableAtMs(credential.facts, { cause, force: 'no' }, nowMs);
        const retryAtMs = Math.max(credential.view.leasedUntilMs, claimableMs);
        return { outcome: 'too_early', retryAtMs };
      }
    }
  }

  /** Starts a refresh of one that somebody waits for, if it is due. */
  refreshIfDue(appId: string, kind: string): void {
    const credential = this.store.find(appId, kind);
    if (credential !== undefined) {
      this.scheduler.startIfDue(credential);
    }
  }

  /** Starts what is due and returns; the attempts go on without the caller. */
  startDue(): void {
    this.scheduler.startDue();
  }

  /**
   * Reads the row again: another replica may have rotated within the last second. All who ask while a reading runs
   * share the next.
   * @throws DatabaseError; AppError `forbidden` where there is no such credential
   */
  reread(appId: string, kind: string): Promise<void> {
    const credential = this.require(appId, kind);
    return this.rereads.run(credential, () => this.store.reload(credential));
  }

  /** Whether the newest value is this one, or has this version. */
  isCurrent(
    appId: string,
    kind: string,
    {
      value,
      version,
    }: { readonly value?: string | undefined; readonly version?: number | undefined },
  ): boolean {
    const live = this.store.find(appId, kind)?.view.live;
    return value === undefined ? version === live?.version : value === live?.value;
  }

  /**
   * Asks WeChat whether it accepts the newest value, once for all who ask before the answer or within 2 s after it. One
   * that WeChat refuses is marked dead before this returns.
   * @param beforeCall is called only if this starts a call to WeChat; what it throws is thrown and nothing is called
   */
  async verify(
    appId: string,
    kind: string,
    beforeCall: () => void = () => undefined,
  ): Promise<ProbeVerdict> {
    const credential = this.require(appId, kind);
    if (!this.probes.isProbed(credential)) {
      beforeCall();
    }
    return this.probes.verify(credential);
  }

  /** WeChat refused this version: it is never served again. */
  async markDead(appId: string, kind: string, version: number): Promise<void> {
    await this.probes.markDead(this.require(appId, kind), version);
  }

  /** Whether WeChat would accept this value, by all that is known; `expired` for one that is not of this credential. */
  validity(appId: string, kind: string, value: string): TokenValidity {
    const credential = this.store.find(appId, kind);
    if (credential === undefined) {
      return 'expired';
    }
    const nowMs = this.clock.nowMs();
    const isHandedOut = this.store.current(credential, nowMs) !== undefined;
    return tokenValidity(credential.view, value, { nowMs, isHandedOut });
  }

  /** What an operator sees of every credential of an account, by kind. */
  describe(appId: string): Map<string, CredentialState> {
    const { rowsReadAtMs } = this.store;
    const nowMs = this.clock.nowMs();
    const states = new Map<string, CredentialState>();
    for (const credential of this.store.ofAccount(appId)) {
      states.set(credential.kind.name, describeCredential(credential, rowsReadAtMs, nowMs));
    }
    return states;
  }

  /** No version of any credential of the account, past or under way, is greater. */
  greatestFence(appId: string): number {
    const fences = this.store
      .ofAccount(appId)
      .map(({ account, row, view }) => Math.max(account.fenceBase, row.fence, view.version));
    return Math.max(0, ...fences);
  }

  /** Takes over a live value that another server fetched. @throws DatabaseError, also when there is a value already */
  async import(appId: string, kind: string, imported: ImportedValue): Promise<void> {
    await this.lifecycle.import(this.require(appId, kind), imported);
  }

  /** Brings the credentials of one account to what the account is now. @throws DatabaseError; the next poll goes on */
  follow(appId: string): Promise<void> {
    return this.lifecycle.follow(appId);
  }

  /** A person has acted: what waits for one is tried now. Never rejects. */
  endPauses(appId: string): Promise<void> {
    return this.scheduler.endPauses(appId);
  }

  /** Calls back at each change of a credential, when one is added, and when one is removed. */
  onChange(listener: (appId: string, kind: string) => void): void {
    this.store.onChange(listener);
  }

  /** The newest value and the hash of the one before it (value-hash.ts), for whoever finds a credential by them. */
  values(
    appId: string,
    kind: string,
  ): { value?: string | undefined; previousHash?: string | undefined } {
    const view = this.store.find(appId, kind)?.view;
    return { value: view?.live?.value, previousHash: view?.previous?.hash };
  }

  private statusOf({ account, facts, view }: Credential): CredentialStatus {
    const { row, policy } = facts;
    const nowMs = this.clock.nowMs();
    const isUnsettled = row.failures > 0 || row.owner !== null;
    return {
      account,
      version: view.version,
      isDead: view.isDead,
      obtainedAtMs: view.live?.obtainedAtMs,
      refreshedAtMs: isUnsettled ? 0 : row.fetchEndedAt,
      canForce: policy.forced !== undefined,
      forcedAtMs: allowedAtMs(facts, { cause: 'admin', force: 'requested' }, nowMs),
      replacedAtMs: policy.fetchEndsOlderValue
        ? Math.max(nowMs, view.dueAtMs) + overlapServedMs(policy, row.lifetimeMs)
        : Infinity,
    };
  }

  private require(appId: string, kind: string): Credential {
    const credential = this.store.find(appId, kind);
    if (credential === undefined) {
      throw this.isLoaded ? accountRefused() : this.notLoaded();
    }
    return credential;
  }
}
