import { Injectable } from '@nestjs/common';
import { accountDisabled, accountRefused } from '../../access/refusals.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { AppError, type UpstreamProblem } from '../../errors/app-error.js';
import { DatabaseService } from '../../database/database.service.js';
import type { CredentialSlot } from './credential-slot.js';
import type { CredentialSnapshot } from './credential-snapshot.js';
import { CredentialStore } from './credential-store.js';
import { dueAtMs } from './due.js';
import { incidentOfFailure, incidentOfReason } from './incident.js';
import { parseFailure, type RefreshFailure } from './refresh-failure.js';
import { RefreshService } from './refresh.service.js';

/** Nothing tells of a clock that is put back, after which a value that seemed to have ended is good again. */
const LOOK_AGAIN_MS = 100;

/** Hands out credentials: at once what is usable, else after the refresh that is under way. */
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
  async read(slot: CredentialSlot, waitMs: number): Promise<CredentialSnapshot> {
    const snapshot = this.store.current(slot) ?? (await this.waitForUsable(slot, waitMs));
    if (snapshot === undefined) {
      throw this.unavailable(slot);
    }
    return snapshot;
  }

  /** What to answer while there is nothing usable: why, until when, and what an operator should do. */
  unavailable(slot: CredentialSlot): AppError {
    if (!slot.isServed) {
      return slot.isRetired ? accountRefused() : accountDisabled(slot.account.appId);
    }
    const failure = parseFailure(slot.row.lastError);
    const waitMs = this.nextAttemptAtMs(slot) - this.clock.nowMs();
    const { detail, incident } = this.reason(slot, failure);
    return new AppError('token_unavailable', detail, {
      incident,
      // Without an end in sight, as for a value that no key opens, there is nothing to wait for.
      ...(Number.isFinite(waitMs) && { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) }),
      ...(failure === undefined ? {} : { upstream: upstreamOf(failure) }),
    });
  }

  private waitForUsable(
    slot: CredentialSlot,
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
        const snapshot = slot.isServed ? this.store.current(slot) : undefined;
        if (snapshot !== undefined || this.isHopeless(slot, deadlineMs)) {
          finish(snapshot);
        }
      };
      const timer = setTimeout(() => {
        finish(this.store.current(slot));
      }, waitMs);
      const again = setInterval(look, LOOK_AGAIN_MS);
      const stop = slot.onChange(look);
      look();
    });
  }

  /** Nothing is under way and nothing will be tried before the deadline. */
  private isHopeless(slot: CredentialSlot, deadlineMs: number): boolean {
    if (!slot.isServed) {
      return true;
    }
    if (this.refreshes.isRunning(slot)) {
      return false;
    }
    return (
      this.refreshes.isStopping ||
      (!this.store.awaitsReading(slot) && this.nextAttemptAtMs(slot) > deadlineMs)
    );
  }

  private nextAttemptAtMs(slot: CredentialSlot): number {
    if (slot.problem !== undefined) {
      return Infinity;
    }
    const nowMs = this.clock.nowMs();
    return Math.max(dueAtMs(slot, nowMs), slot.isPausing(nowMs) ? slot.notBeforeMs : 0);
  }

  private reason(
    slot: CredentialSlot,
    failure: RefreshFailure | undefined,
  ): { detail: string; incident: object } {
    const obstacle = this.obstacle(slot);
    if (obstacle === undefined && failure !== undefined) {
      return {
        detail: `There is no usable ${slot.kind.name}, and the last refresh failed: ${failure.errmsg}. ${failure.advice}`,
        incident: incidentOfFailure(slot, failure),
      };
    }
    const detail = obstacle ?? this.delay(slot);
    return { detail, incident: incidentOfReason(slot, detail) };
  }

  /** Why what there is cannot be used, whatever came of the last refresh. */
  private obstacle(slot: CredentialSlot): string | undefined {
    if (slot.problem !== undefined) {
      return `The stored value cannot be used: ${slot.problem} An admin refresh replaces it.`;
    }
    if (this.store.awaitsReading(slot)) {
      return 'The database has not been read for so long that another replica may have replaced the token. Ask again after Retry-After.';
    }
    return undefined;
  }

  private delay({ kind }: CredentialSlot): string {
    return this.database.problem === undefined
      ? `The ${kind.name} is being fetched. Ask again after Retry-After.`
      : `There is no usable ${kind.name}: ${this.database.problem}. Ask again after Retry-After.`;
  }
}

export function upstreamOf(failure: RefreshFailure): UpstreamProblem {
  const { errcode, errmsg, advice } = failure;
  return { errcode, errmsg, advice };
}
