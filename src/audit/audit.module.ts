import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditTrailService } from './audit-trail.service.js';
import { AuditController } from './audit.controller.js';
import { AuditEntity } from './audit.entity.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';
import { ReadCountModule } from './read-count.module.js';

/** Who did what, and its admin API. A module whose controllers use @Audited imports it. */
@Module({
  imports: [ReadCountModule, TypeOrmModule.forFeature([AuditEntity])],
  controllers: [AuditController],
  providers: [AuditRepository, AuditService, AuditTrailService],
  exports: [AuditService, AuditTrailService],
})
export class AuditModule {}
