import { Injectable } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { MetricsRegistry, type Sample } from '../../observability/metrics-registry.js';
import type { CredentialSlot } from './credential-slot.js';
import { STATES, stateOf } from './credential-state.js';
import { CredentialStore } from './credential-store.js';
import { ledgerTerms, ledgerUsed } from './ledger.js';
import type { ClaimResult } from './refresh-tally.js';

const LABELS = ['app_id', 'kind'] as const;
type Label = (typeof LABELS)[number];

const CLAIM_RESULTS: readonly ClaimResult[] = ['won', 'lost', 'fenced'];

/**
 * What is known of each credential, read from memory at the scrape. What stands in the row is the same on every
 * replica that has read it; what was counted is this process's own.
 */
@Injectable()
export class CredentialMetrics {
  constructor(
    private readonly registry: MetricsRegistry,
    private readonly store: CredentialStore,
    private readonly clock: DatabaseClock,
  ) {
    this.describeValues();
    this.describeState();
    this.describeQuota();
    this.describeRefreshes();
    this.registry.gauge(
      {
        name: 'poll_age_seconds',
        help: 'Since when the rows have not been read; +Inf before the first time.',
        labels: [],
      },
      () => [[{}, this.store.unreadMs / 1_000]],
    );
  }

  private describeValues(): void {
    this.gauge(
      'expiry_timestamp_seconds',
      'When the newest value ends by what WeChat said.',
      (slot) => seconds(slot.live?.expiresAtMs),
    );
    this.gauge(
      'effective_expiry_timestamp_seconds',
      'Until when the newest value may be served: its end, or less while it is in doubt; 0 for none.',
      (slot) => slot.servableUntilMs() / 1_000,
    );
    this.gauge('usable', '1 while there is a value that may be served, else 0.', (slot) =>
      this.store.current(slot) === undefined ? 0 : 1,
    );
    this.gauge(
      'version',
      'Version of the newest value; 0 before the first.',
      ({ version }) => version,
    );
  }

  private describeState(): void {
    this.registry.gauge(
      {
        name: 'credential_state',
        help: '1 for the state that the credential is in, 0 for the others.',
        labels: [...LABELS, 'state'],
      },
      () =>
        this.slots().flatMap((slot) => {
          const current = stateOf(slot, this.clock.nowMs());
          return STATES.map(
            (state) => [{ ...labelsOf(slot), state }, state === current ? 1 : 0] as const,
          );
        }),
    );
    this.gauge(
      'failures_in_a_row',
      'Attempts that failed since the last one that did not.',
      ({ row }) => row.failures,
    );
    this.gauge('last_attempt_timestamp_seconds', 'When a fetch was last claimed.', ({ row }) =>
      seconds(row.claimedAt),
    );
    this.gauge(
      'last_success_timestamp_seconds',
      'When the stored value was asked for.',
      ({ row }) => seconds(row.obtainedAt),
    );
  }

  private describeQuota(): void {
    this.gauge(
      'ledger_used',
      'Fetches that the ledger has given out and not yet got back.',
      (slot) =>
        ledgerUsed(
          ledgerTerms(slot.policy, slot.row.lifetimeMs, 'schedule'),
          slot.row.ledgerFullAt,
          this.clock.nowMs(),
        ),
    );
    this.gauge(
      'ledger_limit',
      'Fetches that the ledger holds.',
      ({ policy }) => policy.ledger.capacity,
    );
    this.registry.count(
      {
        name: 'credential_foreign_rotations_total',
        help: 'How often a value died early that nobody here replaced, on all replicas together.',
        labels: LABELS,
      },
      () => this.slots().map((slot) => [labelsOf(slot), slot.row.foreignRotations] as const),
    );
  }

  private describeRefreshes(): void {
    this.registry.count(
      {
        name: 'refresh_attempts_total',
        help: 'Attempts of this process, by what they were made for and how they ended.',
        labels: [...LABELS, 'cause', 'outcome'],
      },
      () =>
        this.slots().flatMap((slot) =>
          [...slot.tally.attempts].map(
            ({ cause, outcome, count }) => [{ ...labelsOf(slot), cause, outcome }, count] as const,
          ),
        ),
    );
    this.registry.count(
      {
        name: 'refresh_claims_total',
        help: 'Claims of this process: won, lost to another replica, or won and fenced off later.',
        labels: [...LABELS, 'result'],
      },
      () =>
        this.slots().flatMap((slot) =>
          CLAIM_RESULTS.map(
            (result) => [{ ...labelsOf(slot), result }, slot.tally.claims[result]] as const,
          ),
        ),
    );
    this.registry.durations(
      {
        name: 'refresh_duration_seconds',
        help: 'How long attempts of this process took, from the claim to what came of it.',
        labels: LABELS,
      },
      () =>
        this.slots().map((slot) => ({ labels: labelsOf(slot), durations: slot.tally.durations })),
    );
  }

  /** One series for each credential for which there is something to tell. */
  private gauge(
    name: string,
    help: string,
    valueOf: (slot: CredentialSlot) => number | undefined,
  ): void {
    this.registry.gauge({ name: `credential_${name}`, help, labels: LABELS }, () =>
      this.slots().flatMap((slot): Sample<Label>[] => {
        const value = valueOf(slot);
        return value === undefined ? [] : [[labelsOf(slot), value]];
      }),
    );
  }

  /**
   * What nobody waits for shows nothing: the credentials of an account that is switched off, and a ticket that
   * was let go because nobody asks for it.
   */
  private slots(): CredentialSlot[] {
    return this.store
      .all()
      .filter((slot) => slot.account.enabled)
      .filter((slot) => !slot.isAtRest || this.store.current(slot) !== undefined);
  }
}

function labelsOf({ account, kind }: CredentialSlot): Record<Label, string> {
  return { app_id: account.appId, kind: kind.name };
}

/** Absent where it has not happened. */
function seconds(atMs: number | undefined): number | undefined {
  return atMs === undefined || atMs === 0 ? undefined : atMs / 1_000;
}
