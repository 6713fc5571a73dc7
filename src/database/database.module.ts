import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AppConfig } from '../config/app-config.js';
import { EncryptionModule } from '../encryption/encryption.module.js';
import { ErrorsModule } from '../errors/errors.module.js';
import { ObservabilityModule } from '../observability/observability.module.js';
import { DatabaseClock } from './database-clock.js';
import { DatabaseMetrics } from './database.metrics.js';
import { DatabaseService } from './database.service.js';
import { dialectOf } from './dialect-of.js';
import { MIGRATIONS_TABLE } from './ownership.js';
import { Initial1795300000000 } from './migrations/initial-1795300000000.js';
import { ReplicaSyncScheduler } from './replica-sync.scheduler.js';
import { ReplicaSyncService } from './replica-sync.service.js';
import { RetentionScheduler } from './retention.scheduler.js';
import { RetentionService } from './retention.service.js';
import { SnakeNamingStrategy } from './snake-naming-strategy.js';

/** In the order in which they run; a new one is a line at the end. */
const MIGRATIONS = [Initial1795300000000];

@Global()
@Module({
  imports: [
    EncryptionModule,
    ErrorsModule,
    ObservabilityModule,
    TypeOrmModule.forRootAsync({
      inject: [AppConfig],
      useFactory: (config: AppConfig) => ({
        ...dialectOf(config.database).options,
        migrations: MIGRATIONS,
        migrationsTableName: MIGRATIONS_TABLE,
        migrationsTransactionMode: 'none' as const,
        autoLoadEntities: true,
        namingStrategy: new SnakeNamingStrategy(),
        synchronize: false,
        // TypeORM's logger prints bound values; failures are reported by DatabaseService instead.
        logging: false,
        // DatabaseService connects, so that the service can listen while the database is down.
        manualInitialization: true,
      }),
    }),
  ],
  providers: [
    DatabaseService,
    DatabaseClock,
    DatabaseMetrics,
    ReplicaSyncScheduler,
    ReplicaSyncService,
    RetentionScheduler,
    RetentionService,
  ],
  exports: [
    DatabaseService,
    DatabaseClock,
    ReplicaSyncScheduler,
    ReplicaSyncService,
    RetentionService,
  ],
})
export class DatabaseModule {}
