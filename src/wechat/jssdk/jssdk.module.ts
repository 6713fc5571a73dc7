import { Module } from '@nestjs/common';
import { AccountModule } from '../accounts/account.module.js';
import { TicketsModule } from '../tickets/tickets.module.js';
import { JssdkController } from './jssdk.controller.js';
import { JssdkService } from './jssdk.service.js';

/** Signatures for pages that use WeChat's JS-SDK. */
@Module({
  imports: [AccountModule, TicketsModule],
  controllers: [JssdkController],
  providers: [JssdkService],
})
export class JssdkModule {}
