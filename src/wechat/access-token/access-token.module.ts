import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../../audit/audit.module.js';
import { ReadCountModule } from '../../audit/read-count.module.js';
import { ObservabilityModule } from '../../observability/observability.module.js';
import { WechatApiModule } from '../api/wechat-api.module.js';
import { CredentialModule } from '../credentials/credential.module.js';
import { AccessTokenClient } from './access-token.client.js';
import { AccessTokenController } from './access-token.controller.js';
import { ReportCountEntity } from './report-count.entity.js';
import { ReportCountRepository } from './report-count.repository.js';
import { ReportCountScheduler } from './report-count.scheduler.js';
import { ReportCounter } from './report-counter.js';
import { ReportMetrics } from './report.metrics.js';
import { ReportRecord } from './report-record.js';
import { TokenLimits } from './token-limits.js';
import { TokenReportService } from './token-report.service.js';
import { TokenService } from './token.service.js';

/** The access_token: the first kind of credential, and what every other WeChat API is called with. */
@Module({
  imports: [
    AuditModule,
    CredentialModule,
    ObservabilityModule,
    ReadCountModule,
    TypeOrmModule.forFeature([ReportCountEntity]),
    WechatApiModule,
  ],
  controllers: [AccessTokenController],
  providers: [
    AccessTokenClient,
    ReportCountRepository,
    ReportCountScheduler,
    ReportCounter,
    ReportMetrics,
    ReportRecord,
    TokenLimits,
    TokenReportService,
    TokenService,
  ],
  exports: [AccessTokenClient, TokenLimits, TokenReportService, TokenService, WechatApiModule],
})
export class AccessTokenModule {}
