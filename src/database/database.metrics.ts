import { Injectable } from '@nestjs/common';
import { MetricsRegistry } from '../observability/metrics-registry.js';
import { DatabaseClock } from './database-clock.js';
import { DatabaseService } from './database.service.js';

/** Whether the database answers, and how far the two clocks are apart. */
@Injectable()
export class DatabaseMetrics {
  constructor(registry: MetricsRegistry, database: DatabaseService, clock: DatabaseClock) {
    registry.gauge(
      {
        name: 'database_up',
        help: '1 when the last statement was answered, else 0.',
        labels: [],
      },
      () => [[{}, database.problem === undefined ? 1 : 0]],
    );
    registry.gauge(
      {
        name: 'database_clock_skew_seconds',
        help: "How far this machine's clock stands ahead of the database's.",
        labels: [],
      },
      () => [[{}, clock.skewMs() / 1_000]],
    );
  }
}
