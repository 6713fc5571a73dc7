import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { toDatabaseError } from '../../database/database-error.js';
import { Clock } from '../../time/clock.js';
import type { Credential } from './credential.js';
import { CredentialRepository } from './credential.repository.js';
import { CredentialStore } from './credential-store.js';
import { claimableAtMs } from './credential-view.js';
import { parseFailure } from './refresh-failure.js';
import { RefreshService } from './refresh.service.js';

/**
 * 40 a second at most: the first fetches of many accounts are spread over time, so that neither WeChat nor
 * the database gets them all at once. Counted over a little less than a second, since no tick comes exactly
 * one second after the one before.
 */
const MOST_STARTS = 36;
const WITHIN_MS = 900;
/** At most so many attempts at once, so that a slow database is not given more work than it finishes. */
const MOST_UNDER_WAY = 80;

/** Looks over what is in memory and starts what is due: once a second (TokenService), and after an account changed. */
@Injectable()
export class CredentialScheduler implements OnApplicationBootstrap {
  private readonly logger = new Logger(CredentialScheduler.name);
  /** The monotonic times of the last starts, oldest first. */
  private readonly starts: number[] = [];

  constructor(
    private readonly repository: CredentialRepository,
    private readonly store: CredentialStore,
    private readonly refreshes: RefreshService,
    private readonly databaseClock: DatabaseClock,
    private readonly clock: Clock,
  ) {}

  /** The first look does not wait for the next tick. */
  onApplicationBootstrap(): void {
    void this.store.loaded.then(() => {
      this.startDue();
    });
  }

  /** Starts what is due and returns; the attempts continue on their own. */
  startDue(): void {
    if (!this.store.isLoaded || this.refreshes.isStopping) {
      return;
    }
    const nowMs = this.databaseClock.nowMs();
    let room = Math.min(
      MOST_STARTS - this.latestStarts(),
      MOST_UNDER_WAY - this.refreshes.underWay,
    );
    for (const credential of room > 0 ? this.store.all() : []) {
      if (room > 0 && this.isDue(credential, nowMs)) {
        room -= 1;
        this.start(credential);
      }
    }
  }

  /** The same for one credential that somebody waits for, without waiting for the next tick. */
  startIfDue(credential: Credential): void {
    if (!this.refreshes.isStopping && this.isDue(credential, this.databaseClock.nowMs())) {
      this.start(credential);
    }
  }

  /**
   * Ends the long pauses of an account that wait for a person, once a person has acted: by the rows, so that whichever
   * replica looks next tries. Starts what is due by it, and does not wait for WeChat. Never rejects: the pauses also
   * end on their own.
   */
  async endPauses(appId: string): Promise<void> {
    try {
      for (const row of await this.repository.loadOf(appId)) {
        if (parseFailure(row.lastError)?.failureClass === 'operator') {
          await this.repository.endPause(row);
        }
      }
      for (const credential of this.store.ofAccount(appId)) {
        await this.store.reload(credential);
      }
    } catch (error) {
      const reason = toDatabaseError(error).driverCode;
      this.logger.warn({ event: 'pauses_not_ended', app_id: appId, reason });
    }
    this.startDue();
  }

  private latestStarts(): number {
    const sinceMs = this.clock.monotonicMs() - WITHIN_MS;
    while (this.starts[0] !== undefined && this.starts[0] <= sinceMs) {
      this.starts.shift();
    }
    return this.starts.length;
  }

  /** With a thousand accounts, the first comparison is enough for nearly all. */
  private isDue(credential: Credential, nowMs: number): boolean {
    const { dueAtMs, leasedUntilMs, isOutdated } = credential.view;
    return (
      dueAtMs <= nowMs &&
      leasedUntilMs <= nowMs &&
      !isOutdated &&
      !this.refreshes.isRunning(credential) &&
      !credential.isAtRest &&
      claimableAtMs(credential.facts, SCHEDULED, nowMs) <= nowMs
    );
  }

  private start(credential: Credential): void {
    this.starts.push(this.clock.monotonicMs());
    const force = credential.view.forceNext ? 'needed' : 'no';
    const request = { cause: 'schedule', force, replaces: credential.target } as const;
    this.refreshes.start(credential, request).catch((error: unknown) => {
      this.logger.error({
        event: 'refresh_broke',
        app_id: credential.account.appId,
        kind: credential.kind.name,
        reason: error instanceof Error ? error.message : 'unknown',
      });
    });
  }
}

const SCHEDULED = { cause: 'schedule', force: 'no' } as const;
