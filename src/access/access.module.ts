import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { AccessPolicy } from './access.policy.js';
import { AdminKey } from './admin-key.js';
import { ClientGuard } from './client.guard.js';
import { ClientDirectory } from './client-directory.js';
import { FailedKeys } from './failed-keys.js';

/** Global, since guards are made in the module of each controller that uses them. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [AdminKey, ClientDirectory, FailedKeys, AccessPolicy, ClientGuard],
  exports: [AdminKey, ClientDirectory, FailedKeys, ClientGuard],
})
export class AccessModule {}
