import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { RequestsModule } from '../http/requests.module.js';
import { AccessPolicy } from './access.policy.js';

/** What holds for every route, whichever feature has it. */
@Module({ imports: [DiscoveryModule, RequestsModule], providers: [AccessPolicy] })
export class ServerModule {}
