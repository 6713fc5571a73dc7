import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module.js';
import { HealthModule } from '../health/health.module.js';
import { ClientAdminController } from './client-admin.controller.js';
import { ClientAdminService } from './client-admin.service.js';
import { ClientKeyEntity } from './client-key.entity.js';
import { ClientKeyRepository } from './client-key.repository.js';
import { ClientKeyService } from './client-key.service.js';
import { ClientStore } from './client-store.js';
import { ClientEntity } from './client.entity.js';
import { ClientHealth } from './client.health.js';
import { ClientRepository } from './client.repository.js';
import { ClientScheduler } from './client.scheduler.js';
import { KeyUses } from './key-uses.js';

/** The clients that are stored: it feeds the directory that the guards of AccessModule look into. */
@Module({
  imports: [AuditModule, HealthModule, TypeOrmModule.forFeature([ClientEntity, ClientKeyEntity])],
  controllers: [ClientAdminController],
  providers: [
    ClientAdminService,
    ClientHealth,
    ClientKeyRepository,
    ClientKeyService,
    ClientRepository,
    ClientScheduler,
    ClientStore,
    KeyUses,
  ],
  exports: [ClientAdminService],
})
export class ClientModule {}
