import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../../audit/audit.module.js';
import { RefreshHistoryEntity } from './refresh-history.entity.js';
import { RefreshHistoryRepository } from './refresh-history.repository.js';
import { RefreshHistoryService } from './refresh-history.service.js';

/** The write-ahead history: each refresh has a row before WeChat is called. */
@Module({
  imports: [AuditModule, TypeOrmModule.forFeature([RefreshHistoryEntity])],
  providers: [RefreshHistoryRepository, RefreshHistoryService],
  exports: [RefreshHistoryRepository],
})
export class RefreshHistoryModule {}
