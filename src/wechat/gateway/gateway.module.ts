import { Module, type DynamicModule } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { CallCountModule } from '../../audit/call-count.module.js';
import { ClientModule } from '../../clients/client.module.js';
import type { AppConfig } from '../../config/app-config.js';
import { ObservabilityModule } from '../../observability/observability.module.js';
import { AccessTokenModule } from '../access-token/access-token.module.js';
import { AccountModule } from '../accounts/account.module.js';
import { AdmissionService } from './admission.service.js';
import { GatewayAdminController } from './gateway-admin.controller.js';
import { GatewayRecord } from './gateway-record.js';
import { GatewayController } from './gateway.controller.js';
import { GatewayMetrics } from './gateway.metrics.js';
import { GatewayService } from './gateway.service.js';
import { GatewayUpstream } from './gateway-upstream.js';
import { HandleController } from './handle.controller.js';
import { LoginController } from './login.controller.js';

/** Calls WeChat for clients: by key under /v1, and on WeChat's own paths by handle (docs/gateway.md). */
@Module({
  imports: [
    AccessTokenModule,
    AccountModule,
    AuditModule,
    CallCountModule,
    ClientModule,
    ObservabilityModule,
  ],
  controllers: [GatewayAdminController, GatewayController],
  providers: [AdmissionService, GatewayMetrics, GatewayRecord, GatewayService, GatewayUpstream],
})
export class GatewayModule {
  /** WeChat's own paths can be switched off: then there are no such routes at all. */
  static forRoot({ dropInEnabled }: Pick<AppConfig, 'dropInEnabled'>): DynamicModule {
    return {
      module: GatewayModule,
      controllers: dropInEnabled ? [LoginController, HandleController] : [],
    };
  }
}
