import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { ClientDirectory } from '../access/client-directory.js';
import { DatabaseClock } from '../database/database-clock.js';
import { DatabaseService } from '../database/database.service.js';
import { ReplicaSyncScheduler } from '../database/replica-sync.scheduler.js';
import { RetentionService } from '../database/retention.service.js';
import { JoinedRound } from '../time/joined-round.js';
import { ClientKeyEntity } from './client-key.entity.js';
import { ClientStore } from './client-store.js';
import { ClientEntity } from './client.entity.js';
import { KeyUses } from './key-uses.js';

/** By then every replica has seen what was removed. */
const TOMBSTONE_MS = 86_400_000;

/**
 * Reads the clients at the start; once a second tells the time by which uses of keys are marked, once a minute
 * writes down which were used.
 */
@Injectable()
export class ClientScheduler
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown
{
  private readonly round = new JoinedRound(() => this.uses.flush());

  constructor(
    private readonly store: ClientStore,
    private readonly uses: KeyUses,
    private readonly retention: RetentionService,
    private readonly database: DatabaseService,
    private readonly polling: ReplicaSyncScheduler,
    private readonly directory: ClientDirectory,
    private readonly clock: DatabaseClock,
  ) {}

  onModuleInit(): void {
    const keepMs = TOMBSTONE_MS;
    this.retention.register({
      name: 'wtc_client',
      entity: ClientEntity,
      since: 'removedAt',
      keepMs,
    });
    this.retention.register({
      name: 'wtc_client_key',
      entity: ClientKeyEntity,
      since: 'revokedAt',
      keepMs,
    });
    this.polling.afterRound({
      always: () => {
        this.markUses();
      },
    });
  }

  onApplicationBootstrap(): void {
    void this.database.load('clients', async () => {
      await this.store.load();
      this.markUses();
    });
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.flush();
  }

  /** A flush that still runs is joined. Never rejects. */
  @Cron(CronExpression.EVERY_MINUTE)
  flush(): Promise<void> {
    return this.round.run();
  }

  /** Requests ask no clock for the time of a use. */
  private markUses(): void {
    this.directory.markUsesAt(Math.floor(this.clock.nowMs()));
  }
}
