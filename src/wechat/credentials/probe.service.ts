import { Injectable, Logger } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { toDatabaseError } from '../../database/database-error.js';
import type { ProbeVerdict } from './credential-kind.js';
import { CredentialRepository } from './credential.repository.js';
import type { LiveValue } from './credential-facts.js';
import type { Credential } from './credential.js';
import { OutboxService } from './outbox.service.js';
import { CredentialStore } from './credential-store.js';
import { CONFIRMED_MS, isUnconfirmedImport } from './credential-view.js';

interface Probe {
  readonly version: number;
  readonly verdict: Promise<ProbeVerdict>;
  /** By the database's clock; undefined while it is under way. */
  endedAtMs: number | undefined;
}

/** For how long a probe's answer is shared with those who ask later. */
const SHARED_MS = 2_000;

/** Asks WeChat whether it still accepts a live value, and marks dead what it refuses. */
@Injectable()
export class ProbeService {
  private readonly logger = new Logger(ProbeService.name);
  private readonly probes = new WeakMap<Credential, Probe>();

  constructor(
    private readonly repository: CredentialRepository,
    private readonly outbox: OutboxService,
    private readonly store: CredentialStore,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Asks WeChat, once for all who ask before the answer or within 2 s after it. A value that WeChat refuses is
   * marked dead before this returns.
   */
  async verify(
    credential: Credential,
    confirmsForMs: number = CONFIRMED_MS,
  ): Promise<ProbeVerdict> {
    const { live } = credential;
    if (live === undefined) {
      return 'unknown';
    }
    const shared = this.sharedProbe(credential);
    if (shared !== undefined) {
      return shared.verdict;
    }
    const probe: Probe = {
      version: live.version,
      verdict: this.probe(credential, live, confirmsForMs),
      endedAtMs: undefined,
    };
    this.probes.set(credential, probe);
    try {
      return await probe.verdict;
    } finally {
      probe.endedAtMs = this.clock.nowMs();
    }
  }

  /** Whether asking now would start no call: one is under way, or has just been answered. */
  isProbed(credential: Credential): boolean {
    return credential.live === undefined || this.sharedProbe(credential) !== undefined;
  }

  /** WeChat refused this version: it is never served again, here or, once the row says so, anywhere. */
  async markDead(credential: Credential, version: number): Promise<void> {
    const { live, account, kind } = credential;
    if (live?.version !== version || credential.isDead) {
      return;
    }
    const foreign = credential.view.isForeignIfDead;
    credential.markDead(live);
    this.logger.warn({
      event: foreign ? 'foreign_rotation' : 'credential_dead',
      app_id: account.appId,
      kind: kind.name,
      version,
      ...(foreign ? { advice: FOREIGN_ADVICE } : {}),
    });
    try {
      await this.outbox.flushDeath(credential, foreign);
    } catch (error) {
      // Here it is known to be dead; the other replicas learn it from their own reports meanwhile.
      this.logger.error({
        event: 'death_not_stored',
        app_id: account.appId,
        kind: kind.name,
        reason: toDatabaseError(error).driverCode,
      });
    }
  }

  private async probe(
    credential: Credential,
    live: LiveValue,
    confirmsForMs: number,
  ): Promise<ProbeVerdict> {
    const askedAtMs = this.clock.nowMs();
    const verdict = await credential.kind.probe(credential.account, live.value);
    if (verdict === 'alive') {
      credential.confirm(live.version, askedAtMs + confirmsForMs);
      await this.confirmImport(credential, live.version);
    }
    if (verdict === 'dead') {
      await this.markDead(credential, live.version);
    }
    return verdict;
  }

  private async confirmImport(credential: Credential, version: number): Promise<void> {
    const { row, account, kind } = credential;
    if (row.version !== version || !isUnconfirmedImport(row)) {
      return;
    }
    try {
      await this.repository.confirmImport(row);
      await this.store.reload(credential);
    } catch (error) {
      // The probes continue until the row is written.
      this.logger.warn({
        event: 'proof_not_stored',
        app_id: account.appId,
        kind: kind.name,
        reason: toDatabaseError(error).driverCode,
      });
    }
  }

  private sharedProbe(credential: Credential): Probe | undefined {
    const probe = this.probes.get(credential);
    const isRecent =
      probe !== undefined &&
      (probe.endedAtMs === undefined ||
        Math.abs(this.clock.nowMs() - probe.endedAtMs) <= SHARED_MS);
    return isRecent && probe.version === credential.live?.version ? probe : undefined;
  }
}

const FOREIGN_ADVICE =
  'Somebody else fetches tokens for this account, such as a test server or an SDK that still has the ' +
  'AppSecret, or the AppSecret was reset. Point every caller here, and reset the AppSecret if in doubt.';
