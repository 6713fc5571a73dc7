import { Injectable } from '@nestjs/common';
import { Durations } from '../../observability/durations.js';
import { MetricsRegistry, type Sample } from '../../observability/metrics-registry.js';
import { AccountService } from '../accounts/account.service.js';
import { errcodeClass } from './gateway-outcome.js';
import type { CallFacts } from './call-facts.js';

interface Count<Label extends string> {
  readonly labels: Readonly<Record<Label, string>>;
  count: number;
}

/** What clients called of one account. */
class AccountCounts {
  readonly answered = new Map<string, Count<'client' | 'rule' | 'status' | 'errcode'>>();
  readonly refused = new Map<string, Count<'client' | 'reason'>>();
  healed = 0;
  up = 0;
  down = 0;
}

/** Of one account; rules are texts of clients, and past it further series share one. */
const MOST_SERIES = 2_000;

/** The calls that clients made through this process. The counts of an account go with it. */
@Injectable()
export class GatewayMetrics {
  private readonly accounts = new Map<string, AccountCounts>();
  private readonly overhead = new Durations();
  private readonly upstream = new Durations();

  constructor(
    registry: MetricsRegistry,
    private readonly existing: AccountService,
  ) {
    registry.count(
      {
        name: 'gateway_calls_total',
        help: 'Gateway calls that WeChat answered, by the rule that allowed them, the class of the status and the class of the errcode.',
        labels: ['app_id', 'client', 'rule', 'status', 'errcode'],
      },
      () => this.samples(({ answered }) => answered.values()),
    );
    registry.count(
      {
        name: 'gateway_refused_total',
        help: 'Gateway calls that this service answered with an error of its own, by its code.',
        labels: ['app_id', 'client', 'reason'],
      },
      () => this.samples(({ refused }) => refused.values()),
    );
    registry.count(
      {
        name: 'gateway_healed_total',
        help: 'Gateway calls that WeChat refused for a dead token and that were repeated with the new one.',
        labels: ['app_id'],
      },
      () => this.samples(({ healed }) => [{ labels: {}, count: healed }]),
    );
    registry.count(
      {
        name: 'gateway_bytes_total',
        help: 'Bytes of bodies that the gateway sent to WeChat (up) and received from it (down).',
        labels: ['app_id', 'direction'],
      },
      () =>
        this.samples(({ up, down }) => [
          { labels: { direction: 'up' }, count: up },
          { labels: { direction: 'down' }, count: down },
        ]),
    );
    const durations = [
      [
        'gateway_overhead_seconds',
        'What this service added to a gateway call: its duration less the wait for WeChat.',
        this.overhead,
      ],
      [
        'gateway_upstream_seconds',
        'How long a gateway call waited until the answer of WeChat began.',
        this.upstream,
      ],
    ] as const;
    for (const [name, help, values] of durations) {
      registry.durations({ name, help, labels: [] }, () => [{ labels: {}, durations: values }]);
    }
  }

  count(facts: CallFacts): void {
    const { appId, client, rule, status = 0, errcode, failure, answer } = facts;
    const counts = this.accounts.get(appId) ?? new AccountCounts();
    this.accounts.set(appId, counts);
    if (failure === undefined) {
      const labels = {
        client: client.id,
        rule,
        status: `${Math.floor(status / 100)}xx`,
        errcode: errcodeClass(errcode),
      };
      raise(counts.answered, labels);
    } else {
      raise(counts.refused, { client: client.id, reason: failure.code });
    }
    counts.healed += facts.isHealed ? 1 : 0;
    counts.up += facts.sentBytes;
    counts.down += answer?.received.bytes ?? 0;
    if (facts.upstreamMs > 0) {
      this.overhead.observe(performance.now() - facts.startedMs - facts.upstreamMs);
      this.upstream.observe(facts.upstreamMs);
    }
  }

  private samples<Label extends string>(
    of: (counts: AccountCounts) => Iterable<Count<Label>>,
  ): Sample<Label | 'app_id'>[] {
    const existing = new Set(this.existing.all().map(({ appId }) => appId));
    for (const appId of [...this.accounts.keys()].filter((known) => !existing.has(known))) {
      this.accounts.delete(appId);
    }
    return [...this.accounts].flatMap(([appId, counts]) =>
      [...of(counts)].map(({ labels, count }): Sample<Label | 'app_id'> => [
        { ...labels, app_id: appId },
        count,
      ]),
    );
  }
}

function raise<Label extends string>(
  counts: Map<string, Count<Label>>,
  labels: Readonly<Record<Label, string>>,
): void {
  const key = Object.values(labels).join(' ');
  const known = counts.get(key);
  if (known !== undefined) {
    known.count += 1;
  } else if (counts.size < MOST_SERIES) {
    counts.set(key, { labels, count: 1 });
  }
}
