import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { MetricsRegistry } from '../observability/metrics-registry.js';
import { REFUSAL_REASONS, RefusalError } from './refusals.js';

/** Who was not let through, by the reason: a key that leaked out of use, or somebody who tries. */
@Injectable()
export class AccessMetrics {
  private readonly failures: Counter<'reason'>;

  constructor(registry: MetricsRegistry) {
    this.failures = registry.counter({
      name: 'authentication_failures_total',
      help: 'Requests that were refused for their key, its scopes or its accounts.',
      labels: ['reason'],
    });
    for (const reason of REFUSAL_REASONS) {
      this.failures.inc({ reason }, 0);
    }
  }

  /** @param error any that became an answer */
  count(error: Error): void {
    if (error instanceof RefusalError) {
      this.failures.inc({ reason: error.reason });
    }
  }
}
