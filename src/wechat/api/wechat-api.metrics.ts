import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Durations, type DurationSeries } from '../../observability/durations.js';
import { MetricsRegistry } from '../../observability/metrics-registry.js';
import type { FailureClass } from './errcode-table.js';
import { WechatCallError } from './wechat-call.error.js';

/** Paths that have a series of their own; those that come later share one. The service itself knows far fewer. */
const MOST_PATHS = 64;

/** The calls to WeChat: how many of which path, what came of them, how long they took. */
@Injectable()
export class WechatApiMetrics {
  private readonly calls: Counter<'path' | 'outcome'>;
  private readonly durations = new Map<string, DurationSeries<'path'>>();

  constructor(registry: MetricsRegistry) {
    this.calls = registry.counter({
      name: 'wechat_calls_total',
      help: 'Calls to WeChat, fail-over among hosts included, by path and by the class of the errcode.',
      labels: ['path', 'outcome'],
    });
    registry.durations(
      {
        name: 'wechat_call_duration_seconds',
        help: 'How long calls to WeChat took, fail-over among hosts included.',
        labels: ['path'],
      },
      () => this.durations.values(),
    );
  }

  /** Makes a call and counts it. @param path without a query */
  async measure<T>(path: string, call: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    let outcome: 'ok' | 'broke' | FailureClass = 'broke';
    try {
      const answer = await call();
      outcome = 'ok';
      return answer;
    } catch (error) {
      outcome = error instanceof WechatCallError ? error.failureClass : 'broke';
      throw error;
    } finally {
      const { labels, durations } = this.seriesOf(path);
      this.calls.inc({ path: labels.path, outcome });
      durations.observe(performance.now() - startedMs);
    }
  }

  private seriesOf(asked: string): DurationSeries<'path'> {
    const path = this.durations.has(asked) || this.durations.size < MOST_PATHS ? asked : 'other';
    const series = this.durations.get(path) ?? { labels: { path }, durations: new Durations() };
    this.durations.set(path, series);
    return series;
  }
}
