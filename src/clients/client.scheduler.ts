import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { DatabaseError } from '../database/database-error.js';
import { DatabaseService } from '../database/database.service.js';
import { RetentionService } from '../database/retention.service.js';
import { SteadyLoop } from '../time/steady-loop.js';
import { ClientKeyEntity } from './client-key.entity.js';
import { ClientStore } from './client-store.js';
import { ClientEntity } from './client.entity.js';
import { KeyUses } from './key-uses.js';

/** By then every replica has seen what was removed. */
const TOMBSTONE_MS = 86_400_000;

/**
 * Reads the clients at the start, and once a second what other replicas changed; once a minute writes down which
 * keys were used.
 */
@Injectable()
export class ClientScheduler
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown
{
  private readonly logger = new Logger(ClientScheduler.name);
  private readonly loop = new SteadyLoop(() => this.poll(), this.logger);
  private flushing: Promise<void> | undefined;
  private isAway = false;

  constructor(
    private readonly store: ClientStore,
    private readonly uses: KeyUses,
    private readonly retention: RetentionService,
    private readonly database: DatabaseService,
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
  }

  onApplicationBootstrap(): void {
    void this.database.load('clients', () => this.store.poll());
    this.loop.start(this.store.loaded);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.loop.stop(), this.flush()]);
  }

  /** A flush that still runs is joined. Never rejects. */
  @Cron(CronExpression.EVERY_MINUTE)
  flush(): Promise<void> {
    return (this.flushing ??= this.uses.flush().finally(() => (this.flushing = undefined)));
  }

  /** One round. A database that is away is reported once, and asked again. */
  private async poll(): Promise<void> {
    try {
      await this.store.poll();
      this.isAway = false;
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      this.reportAway(error.driverCode);
    }
  }

  private reportAway(reason: string): void {
    if (!this.isAway) {
      this.isAway = true;
      this.logger.error({
        event: 'clients_not_read',
        reason,
        advice:
          'clients and keys stay as they were; what is revoked meanwhile is obeyed when the database is back',
      });
    }
  }
}
