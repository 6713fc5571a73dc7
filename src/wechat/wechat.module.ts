import { Module } from '@nestjs/common';
import { AccessTokenModule } from './access-token/access-token.module.js';
import { IpListModule } from './ip-list/ip-list.module.js';
import { JssdkModule } from './jssdk/jssdk.module.js';
import { TicketsModule } from './tickets/tickets.module.js';

/** The WeChat APIs that the service offers; a new one is a line here (docs/adding-a-wechat-api.md). */
@Module({ imports: [AccessTokenModule, IpListModule, TicketsModule, JssdkModule] })
export class WechatModule {}
