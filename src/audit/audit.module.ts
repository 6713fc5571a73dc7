import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditTrailService } from './audit-trail.service.js';
import { AuditEntity } from './audit.entity.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';

/** Global, since interceptors are made in the module of each controller that uses them. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([AuditEntity])],
  providers: [AuditRepository, AuditService, AuditTrailService],
  exports: [AuditService, AuditTrailService],
})
export class AuditModule {}
