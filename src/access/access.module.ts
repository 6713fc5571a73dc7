import { Global, Module } from '@nestjs/common';
import { ObservabilityModule } from '../observability/observability.module.js';
import { AccessMetrics } from './access.metrics.js';
import { AdminKey } from './admin-key.js';
import { ClientGuard } from './client.guard.js';
import { ClientDirectory } from './client-directory.js';
import { FailedKeys } from './failed-keys.js';
import { KeyAuthentication } from './key-authentication.js';

/** Global, since guards are made in the module of each controller that uses them. */
@Global()
@Module({
  imports: [ObservabilityModule],
  providers: [AccessMetrics, AdminKey, ClientDirectory, ClientGuard, FailedKeys, KeyAuthentication],
  exports: [AccessMetrics, AdminKey, ClientDirectory, ClientGuard, FailedKeys, KeyAuthentication],
})
export class AccessModule {}
