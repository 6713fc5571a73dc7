import { Module } from '@nestjs/common';
import { ObservabilityModule } from '../observability/observability.module.js';
import { HttpMetrics } from './http.metrics.js';
import { RequestObserver } from './request-observer.js';

/** What is measured and logged of each request. */
@Module({
  imports: [ObservabilityModule],
  providers: [HttpMetrics, RequestObserver],
  exports: [HttpMetrics, RequestObserver],
})
export class RequestsModule {}
