import { Injectable } from '@nestjs/common';
import { MetricsRegistry } from '../../observability/metrics-registry.js';
import type { Credential } from '../credentials/credential.js';
import { CredentialStore } from '../credentials/credential-store.js';

/** `failed`: it was answered with an error, such as a dead token that could not be replaced. */
const OUTCOMES = ['superseded', 'still_valid', 'refreshed', 'unverified', 'failed'] as const;

export type CountedOutcome = (typeof OUTCOMES)[number];

/** The reports that this process answered. The counts of an account go with it. */
@Injectable()
export class ReportMetrics {
  private readonly counts = new WeakMap<Credential, Map<CountedOutcome, number>>();

  constructor(registry: MetricsRegistry, store: CredentialStore) {
    registry.count(
      {
        name: 'reports_total',
        help: 'Reports of refused tokens that this process answered, by outcome.',
        labels: ['app_id', 'outcome'],
      },
      () => store.all().flatMap((slot) => this.samples(slot)),
    );
  }

  count(slot: Credential, outcome: CountedOutcome): void {
    const counts = this.counts.get(slot) ?? new Map(OUTCOMES.map((known) => [known, 0]));
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    this.counts.set(slot, counts);
  }

  private samples(slot: Credential): [{ app_id: string; outcome: string }, number][] {
    const counts = [...(this.counts.get(slot) ?? [])];
    return counts.map(([outcome, count]) => [{ app_id: slot.account.appId, outcome }, count]);
  }
}
