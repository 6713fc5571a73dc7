import { Injectable } from '@nestjs/common';
import { MetricsRegistry } from '../../observability/metrics-registry.js';
import { CredentialService } from '../credentials/credential.service.js';
import { ACCESS_TOKEN } from './access-token.client.js';
import { REPORT_OUTCOMES } from './report-outcome.js';

/** `failed`: it was answered with an error, such as a dead token that could not be replaced. */
const OUTCOMES = [...REPORT_OUTCOMES, 'failed'] as const;

export type CountedOutcome = (typeof OUTCOMES)[number];

/** The reports that this process answered. The counts of an account go with it. */
@Injectable()
export class ReportMetrics {
  private readonly counts = new Map<string, Map<CountedOutcome, number>>();

  constructor(
    registry: MetricsRegistry,
    private readonly credentials: CredentialService,
  ) {
    registry.count(
      {
        name: 'reports_total',
        help: 'Reports of refused tokens that this process answered, by outcome.',
        labels: ['app_id', 'outcome'],
      },
      () => this.samples(),
    );
  }

  count(appId: string, outcome: CountedOutcome): void {
    const counts = this.counts.get(appId) ?? new Map(OUTCOMES.map((known) => [known, 0]));
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    this.counts.set(appId, counts);
  }

  private samples(): [{ app_id: string; outcome: string }, number][] {
    const existing = new Set(this.credentials.accounts(ACCESS_TOKEN).map(({ appId }) => appId));
    for (const appId of [...this.counts.keys()].filter((known) => !existing.has(known))) {
      this.counts.delete(appId);
    }
    return [...this.counts].flatMap(([appId, counts]) =>
      [...counts].map(([outcome, count]): [{ app_id: string; outcome: string }, number] => [
        { app_id: appId, outcome },
        count,
      ]),
    );
  }
}
