import { Injectable } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { MetricsRegistry, type Sample } from '../../observability/metrics-registry.js';
import type { Credential } from './credential.js';
import { CredentialStore } from './credential-store.js';
import { displayedState, STATES } from './credential-view.js';
import { ledgerTerms, ledgerUsed } from './ledger.js';
import type { ClaimResult } from './refresh-counters.js';

const LABELS = ['app_id', 'kind'] as const;
type Label = (typeof LABELS)[number];

const CLAIM_RESULTS: readonly ClaimResult[] = ['won', 'lost', 'fenced'];

/**
 * What is known of each credential, read from memory at the scrape. What comes from the row is the same on every
 * replica that has read it; counts are this process's own.
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
      (credential) => seconds(credential.live?.expiresAtMs),
    );
    this.gauge(
      'effective_expiry_timestamp_seconds',
      'Until when the newest value may be served: its end, or less while it is in doubt; 0 for none.',
      (credential) => credential.view.effectiveExpiresAtMs / 1_000,
    );
    this.gauge('usable', '1 while there is a value that may be served, else 0.', (credential) =>
      this.store.current(credential) === undefined ? 0 : 1,
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
        this.credentials().flatMap((credential) => {
          const current = displayedState(
            credential.view,
            this.store.rowsReadAtMs,
            this.clock.nowMs(),
          );
          return STATES.map(
            (state) => [{ ...labelsOf(credential), state }, state === current ? 1 : 0] as const,
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
      (credential) =>
        ledgerUsed(
          ledgerTerms(credential.policy, credential.row.lifetimeMs, 'schedule'),
          credential.row.ledgerFullAt,
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
      () =>
        this.credentials().map(
          (credential) => [labelsOf(credential), credential.row.foreignRotations] as const,
        ),
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
        this.credentials().flatMap((credential) =>
          [...credential.counters.attempts].map(
            ({ cause, outcome, count }) =>
              [{ ...labelsOf(credential), cause, outcome }, count] as const,
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
        this.credentials().flatMap((credential) =>
          CLAIM_RESULTS.map(
            (result) =>
              [{ ...labelsOf(credential), result }, credential.counters.claims[result]] as const,
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
        this.credentials().map((credential) => ({
          labels: labelsOf(credential),
          durations: credential.counters.durations,
        })),
    );
  }

  /** One series for each credential that has a value for it. */
  private gauge(
    name: string,
    help: string,
    valueOf: (credential: Credential) => number | undefined,
  ): void {
    this.registry.gauge({ name: `credential_${name}`, help, labels: LABELS }, () =>
      this.credentials().flatMap((credential): Sample<Label>[] => {
        const value = valueOf(credential);
        return value === undefined ? [] : [[labelsOf(credential), value]];
      }),
    );
  }

  /**
   * No series for what nobody needs: credentials of an account that is switched off, and a ticket that was left to
   * expire because nobody asks for it.
   */
  private credentials(): Credential[] {
    return this.store
      .all()
      .filter((credential) => credential.account.enabled)
      .filter((credential) => !credential.isAtRest || this.store.current(credential) !== undefined);
  }
}

function labelsOf({ account, kind }: Credential): Record<Label, string> {
  return { app_id: account.appId, kind: kind.name };
}

/** Absent where it has not happened. */
function seconds(atMs: number | undefined): number | undefined {
  return atMs === undefined || atMs === 0 ? undefined : atMs / 1_000;
}
