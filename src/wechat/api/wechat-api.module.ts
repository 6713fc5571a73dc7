import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { WechatApiMetrics } from './wechat-api.metrics.js';
import { WechatClient } from './wechat-client.js';

@Module({
  imports: [HttpModule],
  providers: [WechatApiMetrics, WechatClient],
  exports: [WechatClient],
})
export class WechatApiModule {}
