import { Global, Module } from '@nestjs/common';
import { EncryptionModule } from '../encryption/encryption.module.js';
import { ObservabilityModule } from '../observability/observability.module.js';
import { AccessMetrics } from './access.metrics.js';
import { AdminKey } from './admin-key.js';
import { ClientGuard } from './client.guard.js';
import { ClientDirectory } from './client-directory.js';
import { FailedKeys } from './failed-keys.js';
import { HandleService } from './handle.service.js';
import { KeyAuthentication } from './key-authentication.js';

const PROVIDERS = [
  AccessMetrics,
  AdminKey,
  ClientDirectory,
  ClientGuard,
  FailedKeys,
  HandleService,
  KeyAuthentication,
];

/** Global, since guards are made in the module of each controller that uses them. */
@Global()
@Module({
  imports: [EncryptionModule, ObservabilityModule],
  providers: PROVIDERS,
  exports: PROVIDERS,
})
export class AccessModule {}
