import { Module, type DynamicModule } from '@nestjs/common';
import type { AppConfig } from '../config/app-config.js';
import { AccessTokenModule } from './access-token/access-token.module.js';
import { AdminModule } from './admin/admin.module.js';
import { DropInModule } from './drop-in/drop-in.module.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { IpListModule } from './ip-list/ip-list.module.js';
import { JssdkModule } from './jssdk/jssdk.module.js';
import { TicketsModule } from './tickets/tickets.module.js';

/** The WeChat APIs that the service offers; a new one is a line here (docs/adding-a-wechat-api.md). */
@Module({ imports: [AccessTokenModule, AdminModule, IpListModule, TicketsModule, JssdkModule] })
export class WechatModule {
  /** WeChat's own paths and the gateway can be switched off: then there are no such routes at all. */
  static forRoot(config: Pick<AppConfig, 'dropInEnabled' | 'gateway'>): DynamicModule {
    return {
      module: WechatModule,
      imports: [
        ...(config.dropInEnabled ? [DropInModule] : []),
        ...(config.gateway.enabled ? [GatewayModule.forRoot(config)] : []),
      ],
    };
  }
}
