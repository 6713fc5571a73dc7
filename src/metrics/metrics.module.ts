import { Module } from '@nestjs/common';
import { MetricsController } from './metrics.controller.js';
import { MetricsListenerService } from './metrics-listener.service.js';

@Module({ controllers: [MetricsController], providers: [MetricsListenerService] })
export class MetricsModule {}
