import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EncryptionModule } from '../../encryption/encryption.module.js';
import { HealthModule } from '../../health/health.module.js';
import { ObservabilityModule } from '../../observability/observability.module.js';
import { AccountModule } from '../accounts/account.module.js';
import { RefreshHistoryModule } from '../refresh-history/refresh-history.module.js';
import { ClaimService } from './claim.service.js';
import { CredentialUpkeepScheduler } from './credential-upkeep.scheduler.js';
import { CredentialEntity } from './credential.entity.js';
import { CredentialHealth } from './credential.health.js';
import { CredentialMetrics } from './credential.metrics.js';
import { CredentialReaderService } from './credential-reader.service.js';
import { CredentialRepository } from './credential.repository.js';
import { CredentialLifecycleService } from './credential-lifecycle.service.js';
import { CredentialScheduler } from './credential.scheduler.js';
import { CredentialSealer } from './credential-sealer.js';
import { CredentialService } from './credential.service.js';
import { CredentialStateScheduler } from './credential-state.scheduler.js';
import { CredentialStore } from './credential-store.js';
import { UnclaimedFetchService } from './unclaimed-fetch.service.js';
import { OutboxService } from './outbox.service.js';
import { ProbeService } from './probe.service.js';
import { RefreshAttemptService } from './refresh-attempt.service.js';
import { RefreshService } from './refresh.service.js';
import { SettleService } from './settle.service.js';

/**
 * The engine that keeps credentials alive. A module that has a kind of credential registers it with
 * {@link CredentialService} and reads it there.
 */
@Module({
  imports: [
    AccountModule,
    EncryptionModule,
    HealthModule,
    ObservabilityModule,
    RefreshHistoryModule,
    TypeOrmModule.forFeature([CredentialEntity]),
  ],
  providers: [
    ClaimService,
    CredentialUpkeepScheduler,
    CredentialHealth,
    CredentialMetrics,
    CredentialReaderService,
    CredentialRepository,
    CredentialLifecycleService,
    CredentialScheduler,
    CredentialSealer,
    CredentialService,
    CredentialStateScheduler,
    CredentialStore,
    OutboxService,
    ProbeService,
    RefreshAttemptService,
    RefreshService,
    SettleService,
    UnclaimedFetchService,
  ],
  exports: [AccountModule, CredentialService],
})
export class CredentialModule {}
