import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { packageVersion } from './build-info.js';
import { type DurationSeries, histogramText } from './durations.js';

const PREFIX = 'wechat_token_center_';

export interface Figure<Label extends string> {
  /** Without the prefix; base units, as Prometheus names things. */
  readonly name: string;
  readonly help: string;
  /** Only what has few values, all of them known here: never a key, an address, a path as it was asked for. */
  readonly labels: readonly Label[];
}

export type Sample<Label extends string> = readonly [
  labels: Readonly<Record<Label, string>>,
  value: number,
];

type Collect<Label extends string> = () => Iterable<Sample<Label>>;

/**
 * The figures of this service, and nobody else's: not prom-client's global registry, since several services
 * may live in one process (tests). Features make their figures here, each in its `<feature>.metrics.ts`.
 *
 * Whatever stands for an account is collected at the scrape from what is in memory then, so that a removed
 * account takes its series with it.
 */
@Injectable()
export class MetricsRegistry {
  private readonly registry = new Registry();
  private readonly histograms: (() => string)[] = [];

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.gauge({ name: 'build_info', help: 'Always 1.', labels: ['version', 'node'] }, () => [
      [{ version: packageVersion(), node: process.version }, 1],
    ]);
  }

  /** A state at the moment of the scrape. */
  gauge<Label extends string>(figure: Figure<Label>, collect: Collect<Label>): void {
    const gauge = new Gauge<Label>({
      ...this.configuration(figure),
      collect: () => {
        gauge.reset();
        for (const [labels, value] of collect()) {
          gauge.set(labels, value);
        }
      },
    });
  }

  /** A count that is kept elsewhere, such as in a row that all replicas share. */
  count<Label extends string>(figure: Figure<Label>, collect: Collect<Label>): void {
    const counter = new Counter<Label>({
      ...this.configuration(figure),
      collect: () => {
        counter.reset();
        for (const [labels, value] of collect()) {
          counter.inc(labels, value);
        }
      },
    });
  }

  /** A count of this process's own. @returns what to call with the labels at each event */
  counter<Label extends string>(figure: Figure<Label>): Counter<Label> {
    return new Counter(this.configuration(figure));
  }

  /** A histogram of durations, in seconds. */
  durations<Label extends string>(
    { name, help }: Figure<Label>,
    collect: () => Iterable<DurationSeries<Label>>,
  ): void {
    this.histograms.push(() => histogramText({ name: `${PREFIX}${name}`, help }, collect()));
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text of a scrape. */
  async scrape(): Promise<string> {
    const text = await this.registry.metrics();
    return [text, ...this.histograms.map((histogram) => histogram())].join('\n');
  }

  private configuration<Label extends string>({
    name,
    help,
    labels,
  }: Figure<Label>): {
    name: string;
    help: string;
    labelNames: readonly Label[];
    registers: Registry[];
  } {
    return { name: `${PREFIX}${name}`, help, labelNames: labels, registers: [this.registry] };
  }
}
