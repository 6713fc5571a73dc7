import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { DatabaseClock } from '../../database/database-clock.js';
import { ClaimService, type RefreshRequest } from './claim.service.js';
import type { CredentialSlot } from './credential-slot.js';
import { CredentialStore } from './credential-store.js';
import { dueAtMs } from './due.js';
import { RefreshService } from './refresh.service.js';

/** First fetches of many accounts are spread over time, since WeChat counts by the minute. */
const STARTS_PER_TICK = 40;

/** Once a second: looks over what is in memory and starts the refreshes that are due. */
@Injectable()
export class CredentialScheduler implements OnApplicationBootstrap {
  private readonly logger = new Logger(CredentialScheduler.name);

  constructor(
    private readonly store: CredentialStore,
    private readonly refreshes: RefreshService,
    private readonly claims: ClaimService,
    private readonly clock: DatabaseClock,
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
    const due = this.store.all().filter((slot) => this.isDue(slot));
    for (const slot of due.slice(0, STARTS_PER_TICK)) {
      this.start(slot);
    }
  }

  /** The same for one that somebody waits for, who need not wait for the second to turn. */
  startIfDue(slot: CredentialSlot): void {
    if (!this.refreshes.isStopping && this.isDue(slot)) {
      this.start(slot);
    }
  }

  private isDue(slot: CredentialSlot): boolean {
    const { account, row } = slot;
    const nowMs = this.clock.nowMs();
    // Another replica knows a newer secret or mode than this process: the refresh is left to it.
    const isOutdated = row.configVersion > account.configVersion;
    if (
      !account.enabled ||
      isOutdated ||
      slot.problem !== undefined ||
      this.refreshes.isRunning(slot) ||
      slot.isAtRest
    ) {
      return false;
    }
    const isFree =
      !slot.isPausing(nowMs) &&
      !this.claims.isLeased(slot) &&
      nowMs >= this.claims.earliestAtMs(slot, SCHEDULED);
    return isFree && nowMs >= dueAtMs(slot, nowMs);
  }

  private start(slot: CredentialSlot): void {
    const force = this.claims.needsForce(slot);
    this.refreshes.start(slot, { ...SCHEDULED, force }).catch((error: unknown) => {
      this.logger.error({
        event: 'refresh_broke',
        app_id: slot.account.appId,
        kind: slot.kind.name,
        reason: error instanceof Error ? error.message : 'unknown',
      });
    });
  }
}

const SCHEDULED = { cause: 'schedule', force: false } satisfies RefreshRequest;
