import { Injectable } from '@nestjs/common';
import { accountDisabled, accountRefused } from '../../access/refusals.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { AppError } from '../../errors/app-error.js';
import { DatabaseService } from '../../database/database.service.js';
import type { Credential } from './credential.js';
import type { CredentialSnapshot } from './credential-snapshot.js';
import { CredentialStore } from './credential-store.js';
import { incidentOfFailure, incidentOfReason } from './incident.js';
import { parseFailure, upstreamOf, type RefreshFailure } from './refresh-failure.js';
import { RefreshService } from './refresh.service.js';

/** A clock that is set back raises no event, but a value that seemed expired is usable again. */
const LOOK_AGAIN_MS = 100;

/** Hands out credentials: at once if usable, else after the refresh under way. */
@Injectable()
export class CredentialReaderService {
  constructor(
    private readonly store: CredentialStore,
    private readonly refreshes: RefreshService,
    private readonly clock: DatabaseClock,
    private readonly database: DatabaseService,
  ) {}

  /**
   * @param waitMs how long to wait for a refresh when nothing is usable
   * @throws AppError `token_unavailable` with the reason of the last failure, `forbidden` when the account
   *   was removed or switched off meanwhile
   */
  async read(credential: Credential, waitMs: number): Promise<CredentialSnapshot> {
    const snapshot =
      this.store.current(credential) ?? (await this.waitForUsable(credential, waitMs));
    if (snapshot === undefined) {
      throw this.unavailable(credential);
    }
    return snapshot;
  }

  /** The error while nothing is usable: why, until when, and what an operator should do. */
  unavailable(credential: Credential): AppError {
    if (!credential.isServed) {
      return credential.isRetired ? accountRefused() : accountDisabled(credential.account.appId);
    }
    const failure = parseFailure(credential.row.lastError);
    const waitMs = credential.view.dueAtMs - this.clock.nowMs();
    const { detail, incident } = this.reason(credential, failure);
    return new AppError('token_unavailable', detail, {
      incident,
      // No Retry-After where waiting does not help, such as for a value that no key opens.
      ...(Number.isFinite(waitMs) && { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) }),
      ...(failure === undefined ? {} : { upstream: upstreamOf(failure) }),
    });
  }

  private waitForUsable(
    credential: Credential,
    waitMs: number,
  ): Promise<CredentialSnapshot | undefined> {
    const deadlineMs = this.clock.nowMs() + waitMs;
    return new Promise((resolve) => {
      const finish = (snapshot: CredentialSnapshot | undefined): void => {
        clearTimeout(timer);
        clearInterval(again);
        stop();
        resolve(snapshot);
      };
      const look = (): void => {
        const snapshot = credential.isServed ? this.store.current(credential) : undefined;
        if (snapshot !== undefined || this.isHopeless(credential, deadlineMs)) {
          finish(snapshot);
        }
      };
      const timer = setTimeout(() => {
        finish(this.store.current(credential));
      }, waitMs);
      const again = setInterval(look, LOOK_AGAIN_MS);
      const stop = credential.onChange(look);
      look();
    });
  }

  /** Nothing is under way and nothing will be tried before the deadline. */
  private isHopeless(credential: Credential, deadlineMs: number): boolean {
    if (!credential.isServed) {
      return true;
    }
    if (this.refreshes.isRunning(credential)) {
      return false;
    }
    return (
      this.refreshes.isStopping ||
      (!this.store.awaitsReading(credential) && credential.view.dueAtMs > deadlineMs)
    );
  }

  private reason(
    credential: Credential,
    failure: RefreshFailure | undefined,
  ): { detail: string; incident: object } {
    const obstacle = this.obstacle(credential);
    if (obstacle === undefined && failure !== undefined) {
      return {
        detail: `There is no usable ${credential.kind.name}, and the last refresh failed: ${failure.errmsg}. ${failure.advice}`,
        incident: incidentOfFailure(credential, failure),
      };
    }
    const detail = obstacle ?? this.delay(credential);
    return { detail, incident: incidentOfReason(credential, detail) };
  }

  /** Why the value cannot be used, regardless of the last refresh. */
  private obstacle(credential: Credential): string | undefined {
    const { unopened } = credential.view;
    if (unopened !== undefined) {
      return `The stored value cannot be used: ${unopened} An admin refresh replaces it.`;
    }
    if (this.store.awaitsReading(credential)) {
      return 'The database has not been read for so long that another replica may have replaced the token. Ask again after Retry-After.';
    }
    return undefined;
  }

  private delay({ kind }: Credential): string {
    return this.database.problem === undefined
      ? `The ${kind.name} is being fetched. Ask again after Retry-After.`
      : `There is no usable ${kind.name}: ${this.database.problem}. Ask again after Retry-After.`;
  }
}
