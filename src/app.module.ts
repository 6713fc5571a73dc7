import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AccessModule } from './access/access.module.js';
import { AuditApiModule } from './access/audit-api.module.js';
import { AuditModule } from './audit/audit.module.js';
import { ConfigModule } from './config/config.module.js';
import type { Environment } from './config/environment.js';
import { DatabaseModule } from './database/database.module.js';
import { EncryptionModule } from './encryption/encryption.module.js';
import { ErrorsModule } from './errors/errors.module.js';
import { HealthModule } from './health/health.module.js';
import { TimeModule } from './time/time.module.js';
import { WechatModule } from './wechat/wechat.module.js';

/** The service: a list of its modules. */
@Module({})
export class AppModule {
  /** @param environment what to read in place of the process's environment and `.env`; for tests */
  static forRoot(environment?: Environment): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(environment),
        TimeModule,
        ErrorsModule,
        EncryptionModule,
        DatabaseModule,
        AuditModule,
        AccessModule,
        AuditApiModule,
        HealthModule,
        ScheduleModule.forRoot(),
        WechatModule,
      ],
    };
  }
}
