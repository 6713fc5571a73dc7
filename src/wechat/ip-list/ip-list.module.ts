import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccessTokenModule } from '../access-token/access-token.module.js';
import { IpListClient } from './ip-list.client.js';
import { IpListController } from './ip-list.controller.js';
import { IpListEntity } from './ip-list.entity.js';
import { IpListRepository } from './ip-list.repository.js';
import { IpListScheduler } from './ip-list.scheduler.js';
import { IpService } from './ip.service.js';

/** WeChat's addresses. The smallest complete WeChat API: the folder to copy for another one. */
@Module({
  imports: [AccessTokenModule, TypeOrmModule.forFeature([IpListEntity])],
  controllers: [IpListController],
  providers: [IpListClient, IpListRepository, IpListScheduler, IpService],
  exports: [IpService],
})
export class IpListModule {}
