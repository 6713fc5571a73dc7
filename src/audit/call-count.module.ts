import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from './audit.module.js';
import { CallCountEntity } from './call-count.entity.js';
import { CallCountRepository } from './call-count.repository.js';
import { CallCountScheduler } from './call-count.scheduler.js';
import { CallCounter } from './call-counter.js';

/** Never global, for the reason that {@link ReadCountModule} gives. */
@Module({
  imports: [AuditModule, TypeOrmModule.forFeature([CallCountEntity])],
  providers: [CallCountRepository, CallCountScheduler, CallCounter],
  exports: [CallCounter],
})
export class CallCountModule {}
