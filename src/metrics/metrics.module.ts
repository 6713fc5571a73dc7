import { Module } from '@nestjs/common';
import { ObservabilityModule } from '../observability/observability.module.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsListenerService } from './metrics-listener.service.js';

@Module({
  imports: [ObservabilityModule],
  controllers: [MetricsController],
  providers: [MetricsListenerService],
})
export class MetricsModule {}
