import { Module } from '@nestjs/common';
import { CallCountModule } from '../../audit/call-count.module.js';
import { ReadCountModule } from '../../audit/read-count.module.js';
import { ObservabilityModule } from '../../observability/observability.module.js';
import { WechatApiModule } from '../api/wechat-api.module.js';
import { CredentialModule } from '../credentials/credential.module.js';
import { AccessTokenClient } from './access-token.client.js';
import { AccessTokenController } from './access-token.controller.js';
import { ReportMetrics } from './report.metrics.js';
import { ReportRecord } from './report-record.js';
import { TokenLimits } from './token-limits.js';
import { TokenReportService } from './token-report.service.js';
import { TokenService } from './token.service.js';

/** The access_token: the first kind of credential, and what every other WeChat API is called with. */
@Module({
  imports: [
    CallCountModule,
    CredentialModule,
    ObservabilityModule,
    ReadCountModule,
    WechatApiModule,
  ],
  controllers: [AccessTokenController],
  providers: [
    AccessTokenClient,
    ReportMetrics,
    ReportRecord,
    TokenLimits,
    TokenReportService,
    TokenService,
  ],
  exports: [AccessTokenClient, TokenLimits, TokenReportService, TokenService, WechatApiModule],
})
export class AccessTokenModule {}
