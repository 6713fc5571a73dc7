import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseError } from '../../database/database-error.js';
import { SteadyLoop } from '../../time/steady-loop.js';
import { CredentialRosterService } from './credential-roster.service.js';
import { isUnproved } from './credential.policy.js';
import type { CredentialSlot } from './credential-slot.js';
import { CredentialStore } from './credential-store.js';
import { LivenessService, VOUCHED_MS } from './liveness.service.js';
import { SettleService } from './settle.service.js';

const SKEW_WARNING_MS = 2_000;

/**
 * A doubtful value is asked after this often, and an acceptance lasts the longer of the two: that is for
 * how long it may be served after it died.
 */
const DOUBTFUL = { everyMs: 3_000, vouchedMs: VOUCHED_MS };
/** An imported value that WeChat has not confirmed yet. */
const UNPROVED = { everyMs: 30_000, vouchedMs: VOUCHED_MS };
const UNREAD = { everyMs: 30_000, vouchedMs: 50_000, aheadMs: 10_000 };

/**
 * Once a second: reads what other replicas changed, stores what could not be stored before, and asks
 * WeChat after values that may not be served unasked.
 */
@Injectable()
export class CoherenceScheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(CoherenceScheduler.name);
  private readonly loop = new SteadyLoop(() => this.poll(), this.logger);
  private readonly askedAtMs = new WeakMap<CredentialSlot, number>();
  private readonly asking = new Set<Promise<void>>();
  private isAway = false;
  private isSkewed = false;

  constructor(
    private readonly roster: CredentialRosterService,
    private readonly store: CredentialStore,
    private readonly settle: SettleService,
    private readonly liveness: LivenessService,
    private readonly clock: DatabaseClock,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start(this.store.loaded);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await Promise.all(this.asking);
  }

  /** One round. A database that is away is reported once, and asked again. */
  async poll(): Promise<void> {
    try {
      await this.roster.poll();
      await this.store.poll();
      this.reportBack();
      await this.storeHeld();
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      this.reportAway(error.driverCode);
    }
    this.askAfterDoubtful();
  }

  private async storeHeld(): Promise<void> {
    for (const slot of this.store.all()) {
      const held = slot.unstored;
      if (held?.claim !== undefined) {
        await this.settle.commit(slot, held.claim, held);
      }
      await this.settle.tellSuspicion(slot);
      await this.liveness.tellDeath(slot);
    }
  }

  /** Starts the probes that are wanted; a WeChat that hangs must not keep the rows from being read. */
  private askAfterDoubtful(): void {
    const nowMs = this.clock.nowMs();
    for (const slot of this.store.all()) {
      const terms = this.doubt(slot, nowMs);
      const lastAtMs = this.askedAtMs.get(slot) ?? -Infinity;
      if (terms !== undefined && nowMs - lastAtMs >= terms.everyMs) {
        this.askedAtMs.set(slot, nowMs);
        this.track(this.liveness.verify(slot, terms.vouchedMs));
      }
    }
  }

  private track(asked: Promise<unknown>): void {
    const settled = asked
      .catch((error: unknown) => {
        this.logger.error(error);
      })
      .then(() => {
        this.asking.delete(settled);
      });
    this.asking.add(settled);
  }

  private doubt(
    slot: CredentialSlot,
    nowMs: number,
  ): { everyMs: number; vouchedMs: number } | undefined {
    const isPointless = slot.isDead || !slot.isServed;
    if (isPointless || slot.live === undefined || nowMs >= slot.live.expiresAtMs) {
      return undefined;
    }
    if (nowMs >= slot.quarantineAtMs() - DOUBTFUL.everyMs) {
      return DOUBTFUL;
    }
    if (isUnproved(slot.row)) {
      return UNPROVED;
    }
    // Asked after ahead of the time: a round takes some seconds while the database does not answer.
    return this.store.trustLeftMs(slot) < UNREAD.aheadMs ? UNREAD : undefined;
  }

  private reportAway(reason: string): void {
    if (!this.isAway) {
      this.isAway = true;
      this.logger.error({
        event: 'database_away',
        reason,
        advice: 'tokens are served from memory; look at the database before they end',
      });
    }
  }

  private reportBack(): void {
    if (this.isAway) {
      this.isAway = false;
      this.logger.log({ event: 'database_back' });
    }
    const skewMs = Math.round(this.clock.skewMs());
    const isSkewed = Math.abs(skewMs) > SKEW_WARNING_MS;
    if (isSkewed && !this.isSkewed) {
      this.logger.warn({
        event: 'clock_skew',
        skew_ms: skewMs,
        advice: "this machine's clock differs from the database's; run NTP on both",
      });
    }
    this.isSkewed = isSkewed;
  }
}
