import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { AccessPolicy } from './access.policy.js';

/** What holds for every route, whichever feature has it. */
@Module({ imports: [DiscoveryModule], providers: [AccessPolicy] })
export class ServerModule {}
