import { Injectable } from '@nestjs/common';
import { Durations, type DurationSeries } from '../observability/durations.js';
import { MetricsRegistry } from '../observability/metrics-registry.js';

type Label = 'method' | 'route' | 'status_class';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * How long requests take, from their headers to the end of the answer. A series stands for a route's pattern,
 * never for a path that somebody asked for.
 */
@Injectable()
export class HttpMetrics {
  private readonly series = new Map<string, DurationSeries<Label>>();

  constructor(registry: MetricsRegistry) {
    registry.durations(
      {
        name: 'http_request_duration_seconds',
        help: 'Requests, by the pattern of their route and the class of their status.',
        labels: ['method', 'route', 'status_class'],
      },
      () => this.series.values(),
    );
  }

  /** @param route as it was registered; undefined for a request that no route took */
  durations(method: string, route: string | undefined, status: number): Durations {
    const labels = {
      method: METHODS.has(method) ? method : 'other',
      route: route ?? 'none',
      status_class: `${Math.floor(status / 100)}xx`,
    };
    const key = `${labels.method} ${labels.route} ${labels.status_class}`;
    const known = this.series.get(key);
    if (known !== undefined) {
      return known.durations;
    }
    const durations = new Durations();
    this.series.set(key, { labels, durations });
    return durations;
  }
}
