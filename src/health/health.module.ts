import { Global, Module } from '@nestjs/common';
import { ClientHealth } from './client.health.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

@Global()
@Module({
  controllers: [HealthController],
  providers: [ClientHealth, Readiness],
  exports: [Readiness],
})
export class HealthModule {}
