import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { WechatClient } from './wechat-client.js';

@Module({ imports: [HttpModule], providers: [WechatClient], exports: [WechatClient] })
export class WechatApiModule {}
