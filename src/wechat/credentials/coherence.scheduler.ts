import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseError } from '../../database/database-error.js';
import { SteadyLoop } from '../../time/steady-loop.js';
import { CredentialLifecycleService } from './credential-lifecycle.service.js';
import { CredentialStore } from './credential-store.js';
import { dueProbe } from './credential-view.js';
import { ProbeService } from './probe.service.js';
import { OutboxService } from './outbox.service.js';

const SKEW_WARNING_MS = 2_000;

/**
 * Once a second: reads what other replicas changed, tells the rows what they could not be told before, and starts the
 * probes that are due.
 */
@Injectable()
export class CoherenceScheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(CoherenceScheduler.name);
  private readonly loop = new SteadyLoop(() => this.poll(), this.logger);
  private readonly probing = new Set<Promise<void>>();
  private isAway = false;
  private isSkewed = false;

  constructor(
    private readonly roster: CredentialLifecycleService,
    private readonly store: CredentialStore,
    private readonly outbox: OutboxService,
    private readonly probes: ProbeService,
    private readonly clock: DatabaseClock,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start(this.store.loaded);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    await Promise.all(this.probing);
  }

  /** One round. A database that is away is reported once, and asked again. */
  async poll(): Promise<void> {
    try {
      await this.roster.poll();
      await this.store.poll();
      this.reportBack();
      await this.flush();
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      this.reportAway(error.driverCode);
    }
    this.startProbes();
  }

  private async flush(): Promise<void> {
    for (const credential of this.store.all()) {
      await this.outbox.flush(credential);
    }
  }

  /** Starts the probes that are due; a WeChat that hangs must not keep the rows from being read. */
  private startProbes(): void {
    const nowMs = this.clock.nowMs();
    const { rowsReadAtMs } = this.store;
    for (const credential of this.store.all()) {
      const { lastProbeAtMs } = credential.facts;
      const terms = dueProbe(credential.view, { lastProbeAtMs, rowsReadAtMs, nowMs });
      if (terms !== undefined) {
        credential.probeStarted();
        this.track(this.probes.verify(credential, terms.confirmsForMs));
      }
    }
  }

  private track(probe: Promise<unknown>): void {
    const settled = probe
      .catch((error: unknown) => {
        this.logger.error(error);
      })
      .then(() => {
        this.probing.delete(settled);
      });
    this.probing.add(settled);
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
