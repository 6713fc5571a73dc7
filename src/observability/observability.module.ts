import { Global, Module } from '@nestjs/common';
import { HttpMetrics } from './http.metrics.js';
import { MetricsRegistry } from './metrics-registry.js';
import { RequestObserver } from './request-observer.js';

@Global()
@Module({
  providers: [HttpMetrics, MetricsRegistry, RequestObserver],
  exports: [HttpMetrics, MetricsRegistry, RequestObserver],
})
export class ObservabilityModule {}
