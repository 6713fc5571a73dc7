import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AccessModule } from './access/access.module.js';
import { AuditModule } from './audit/audit.module.js';
import { ClientModule } from './clients/client.module.js';
import type { AppConfig } from './config/app-config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthModule } from './health/health.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { ReadListenerModule } from './server/read-listener.js';
import { ServerModule } from './server/server.module.js';
import { TimeModule } from './time/time.module.js';
import { WechatModule } from './wechat/wechat.module.js';

/** The service: a list of its modules. */
@Module({})
export class AppModule {
  static forRoot(config: AppConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        TimeModule,
        DatabaseModule,
        AuditModule,
        AccessModule,
        ClientModule,
        HealthModule,
        MetricsModule,
        ScheduleModule.forRoot(),
        WechatModule.forRoot(config),
        ServerModule,
        ReadListenerModule,
      ],
    };
  }
}
