import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { DatabaseClock } from '../../database/database-clock.js';
import { Clock } from '../../time/clock.js';
import { ClaimService } from './claim.service.js';
import type { CredentialSlot } from './credential-slot.js';
import { CredentialStore } from './credential-store.js';
import { dueAtMs } from './due.js';
import { RefreshService } from './refresh.service.js';

/**
 * 40 a second at most: the first fetches of many accounts are spread over time, so that neither WeChat nor
 * the database gets them all at once. Counted over a little less than a second, since no tick comes exactly
 * one second after the one before.
 */
const MOST_STARTS = 36;
const WITHIN_MS = 900;
/** A database that is slow gets no more to do than it answers: so many wait for it at once, at most. */
const MOST_UNDER_WAY = 80;

/** Once a second, and after an account changed: looks over what is in memory and starts what is due. */
@Injectable()
export class CredentialScheduler implements OnApplicationBootstrap {
  private readonly logger = new Logger(CredentialScheduler.name);
  /** The monotonic times of the last starts, oldest first. */
  private readonly starts: number[] = [];

  constructor(
    private readonly store: CredentialStore,
    private readonly refreshes: RefreshService,
    private readonly claims: ClaimService,
    private readonly databaseClock: DatabaseClock,
    private readonly clock: Clock,
  ) {}

  /** The first look does not wait for the second to turn. */
  onApplicationBootstrap(): void {
    void this.store.loaded.then(() => {
      this.tick();
    });
  }

  /** Starts what is due and returns; the attempts go on by themselves. */
  @Cron(CronExpression.EVERY_SECOND)
  tick(): void {
    if (!this.store.isLoaded || this.refreshes.isStopping) {
      return;
    }
    const nowMs = this.databaseClock.nowMs();
    let room = Math.min(
      MOST_STARTS - this.latestStarts(),
      MOST_UNDER_WAY - this.refreshes.underWay,
    );
    for (const slot of room > 0 ? this.store.all() : []) {
      if (room > 0 && this.isDue(slot, nowMs)) {
        room -= 1;
        this.start(slot);
      }
    }
  }

  /** The same for one that somebody waits for, who need not wait for the second to turn. */
  startIfDue(slot: CredentialSlot): void {
    if (!this.refreshes.isStopping && this.isDue(slot, this.databaseClock.nowMs())) {
      this.start(slot);
    }
  }

  private latestStarts(): number {
    const sinceMs = this.clock.monotonicMs() - WITHIN_MS;
    while (this.starts[0] !== undefined && this.starts[0] <= sinceMs) {
      this.starts.shift();
    }
    return this.starts.length;
  }

  /** What is not due is told by one comparison: with a thousand accounts, nearly all are not. */
  private isDue(slot: CredentialSlot, nowMs: number): boolean {
    if (nowMs < dueAtMs(slot, nowMs)) {
      return false;
    }
    const { account, row } = slot;
    // Another replica knows a newer secret or mode than this process: the refresh is left to it.
    const isOutdated = row.configVersion > account.configVersion;
    if (
      !slot.isServed ||
      isOutdated ||
      slot.problem !== undefined ||
      this.refreshes.isRunning(slot) ||
      slot.isAtRest
    ) {
      return false;
    }
    return (
      !slot.isPausing(nowMs) &&
      !this.claims.isLeased(slot) &&
      nowMs >= this.claims.earliestAtMs(slot, SCHEDULED)
    );
  }

  private start(slot: CredentialSlot): void {
    this.starts.push(this.clock.monotonicMs());
    const force = this.claims.needsForce(slot) ? 'needed' : 'no';
    const request = { cause: 'schedule', force, replaces: slot.target } as const;
    this.refreshes.start(slot, request).catch((error: unknown) => {
      this.logger.error({
        event: 'refresh_broke',
        app_id: slot.account.appId,
        kind: slot.kind.name,
        reason: error instanceof Error ? error.message : 'unknown',
      });
    });
  }
}

const SCHEDULED = { cause: 'schedule', force: 'no' } as const;
