import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { ReplicaSyncScheduler } from '../../database/replica-sync.scheduler.js';
import { CredentialLifecycleService } from './credential-lifecycle.service.js';
import { CredentialStore } from './credential-store.js';
import { dueProbe } from './credential-view.js';
import { ProbeService } from './probe.service.js';
import { OutboxService } from './outbox.service.js';

/**
 * Once a second, after the round that reads what other replicas changed: makes and removes rows after it, flushes the
 * outbox, and starts the probes that are due.
 */
@Injectable()
export class CredentialUpkeepScheduler implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(CredentialUpkeepScheduler.name);
  private readonly probing = new Set<Promise<void>>();

  constructor(
    private readonly polling: ReplicaSyncScheduler,
    private readonly lifecycle: CredentialLifecycleService,
    private readonly store: CredentialStore,
    private readonly outbox: OutboxService,
    private readonly probes: ProbeService,
    private readonly clock: DatabaseClock,
  ) {}

  onModuleInit(): void {
    this.polling.afterRound({
      write: () => this.write(),
      always: () => {
        this.startProbes();
      },
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.polling.stop();
    await Promise.all(this.probing);
  }

  private async write(): Promise<void> {
    await this.lifecycle.followAll();
    await this.store.repair();
    await this.flush();
  }

  private async flush(): Promise<void> {
    for (const credential of this.store.all().filter(({ view }) => view.isUnwritten)) {
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
}
