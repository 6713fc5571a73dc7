import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { ObservabilityModule } from '../../observability/observability.module.js';
import { HTTP_OPTIONS } from './http-exchange.js';
import { WechatApiMetrics } from './wechat-api.metrics.js';
import { WechatClient } from './wechat-client.js';

@Module({
  imports: [HttpModule.register(HTTP_OPTIONS), ObservabilityModule],
  providers: [WechatApiMetrics, WechatClient],
  exports: [WechatClient],
})
export class WechatApiModule {}
