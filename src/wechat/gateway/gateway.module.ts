import { Module } from '@nestjs/common';
import { ClientModule } from '../../clients/client.module.js';
import { AccountModule } from '../accounts/account.module.js';
import { GatewayAdminController } from './gateway-admin.controller.js';

/** Calls to WeChat on behalf of clients. */
@Module({
  imports: [AccountModule, ClientModule],
  controllers: [GatewayAdminController],
})
export class GatewayModule {}
