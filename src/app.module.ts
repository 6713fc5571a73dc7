import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AccessModule } from './access/access.module.js';
import { AuditApiModule } from './audit/audit-api.module.js';
import { AuditModule } from './audit/audit.module.js';
import { ClientModule } from './clients/client.module.js';
import { ConfigModule } from './config/config.module.js';
import { dotEnvText, processEnvironment, type Environment } from './config/environment.js';
import { parseAppConfig } from './config/parse-app-config.js';
import { DatabaseModule } from './database/database.module.js';
import { EncryptionModule } from './encryption/encryption.module.js';
import { ErrorsModule } from './errors/errors.module.js';
import { HealthModule } from './health/health.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { ObservabilityModule } from './observability/observability.module.js';
import { ReadListenerModule } from './server/read-listener.js';
import { ServerModule } from './server/server.module.js';
import { TimeModule } from './time/time.module.js';
import { WechatModule } from './wechat/wechat.module.js';

/** The service: a list of its modules. */
@Module({})
export class AppModule {
  /**
   * @param environment what to read in place of the process's environment and `.env`; for tests
   * @throws ConfigError
   */
  static forRoot(environment?: Environment): DynamicModule {
    // It loads `.env`, hence before the variables are parsed.
    const configModule = ConfigModule.forRoot(environment);
    const config =
      environment === undefined
        ? parseAppConfig(processEnvironment(), false, dotEnvText())
        : parseAppConfig(environment);
    return {
      module: AppModule,
      imports: [
        configModule,
        TimeModule,
        ErrorsModule,
        ObservabilityModule,
        EncryptionModule,
        DatabaseModule,
        AuditModule,
        AccessModule,
        AuditApiModule,
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
