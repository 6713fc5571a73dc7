import { Injectable, Logger } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { toDatabaseError } from '../../database/database-error.js';
import type { ProbeVerdict } from './credential-kind.js';
import { CredentialRepository } from './credential.repository.js';
import { isUnproved } from './credential.policy.js';
import type { CredentialSlot, LiveValue } from './credential-slot.js';
import { CredentialStore } from './credential-store.js';

interface Probe {
  readonly version: number;
  readonly verdict: Promise<ProbeVerdict>;
  /** By the database's clock; undefined while it is under way. */
  endedAtMs: number | undefined;
}

/** How long after its answer a probe still serves those who ask. */
const SHARED_MS = 2_000;
/**
 * How long an acceptance lets a doubtful value be served: 5 s (docs/reliability.md), less the way of the last
 * answer on a machine that is busy.
 */
export const VOUCHED_MS = 4_500;
/** With less than this left, a death is not early enough to blame somebody else. */
const EARLY_MS = 60_000;

/** Finds out whether WeChat still accepts a live value, and writes down when it does not. */
@Injectable()
export class LivenessService {
  private readonly logger = new Logger(LivenessService.name);
  private readonly probes = new WeakMap<CredentialSlot, Probe>();

  constructor(
    private readonly repository: CredentialRepository,
    private readonly store: CredentialStore,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Asks WeChat, once for all who ask before the answer or within 2 s after it. A dead value is
   * condemned before this returns.
   */
  async verify(slot: CredentialSlot, vouchedMs: number = VOUCHED_MS): Promise<ProbeVerdict> {
    const { live } = slot;
    if (live === undefined) {
      return 'unknown';
    }
    const shared = this.sharedProbe(slot);
    if (shared !== undefined) {
      return shared.verdict;
    }
    const probe: Probe = {
      version: live.version,
      verdict: this.probe(slot, live, vouchedMs),
      endedAtMs: undefined,
    };
    this.probes.set(slot, probe);
    try {
      return await probe.verdict;
    } finally {
      probe.endedAtMs = this.clock.nowMs();
    }
  }

  /** Whether asking now would start no call: one is under way, or has just been answered. */
  isProbed(slot: CredentialSlot): boolean {
    return slot.live === undefined || this.sharedProbe(slot) !== undefined;
  }

  /** WeChat refused this version: it is never served again, here or, once the row says so, anywhere. */
  async condemn(slot: CredentialSlot, version: number): Promise<void> {
    const { row, live, account, kind } = slot;
    if (live?.version !== version || slot.isDead) {
      return;
    }
    const foreign = this.isForeign(slot, live);
    slot.refuse(live);
    this.logger.warn({
      event: foreign ? 'foreign_rotation' : 'credential_dead',
      app_id: account.appId,
      kind: kind.name,
      version,
      ...(foreign ? { advice: FOREIGN_ADVICE } : {}),
    });
    try {
      // A value that the row does not hold yet cannot be marked there; it is refused in memory alone.
      if (slot.isLiveStored) {
        await this.repository.markDead(row, foreign);
        await this.store.reload(slot);
      }
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

  /** Tells the row of a death that it could not be told before. @throws DatabaseError */
  async tellDeath(slot: CredentialSlot): Promise<void> {
    const { row } = slot;
    if (slot.isDead && row.deadAt === null && slot.isLiveStored) {
      await this.repository.markDead(row, false);
      await this.store.reload(slot);
    }
  }

  private async probe(
    slot: CredentialSlot,
    live: LiveValue,
    vouchedMs: number,
  ): Promise<ProbeVerdict> {
    const askedAtMs = this.clock.nowMs();
    const verdict = await slot.kind.probe(slot.account, live.value);
    if (verdict === 'alive') {
      slot.vouch(live.version, askedAtMs + vouchedMs);
      await this.prove(slot, live.version);
    }
    if (verdict === 'dead') {
      await this.condemn(slot, live.version);
    }
    return verdict;
  }

  private async prove(slot: CredentialSlot, version: number): Promise<void> {
    const { row, account, kind } = slot;
    if (row.version !== version || !isUnproved(row)) {
      return;
    }
    try {
      await this.repository.markProved(row);
      await this.store.reload(slot);
    } catch (error) {
      // It is asked after again until the row says it.
      this.logger.warn({
        event: 'proof_not_stored',
        app_id: account.appId,
        kind: kind.name,
        reason: toDatabaseError(error).driverCode,
      });
    }
  }

  private sharedProbe(slot: CredentialSlot): Probe | undefined {
    const probe = this.probes.get(slot);
    const isRecent =
      probe !== undefined &&
      (probe.endedAtMs === undefined ||
        Math.abs(this.clock.nowMs() - probe.endedAtMs) <= SHARED_MS);
    return isRecent && probe.version === slot.live?.version ? probe : undefined;
  }

  /** Nobody here replaced it, nobody here may have, and it should have lived on. */
  private isForeign(slot: CredentialSlot, live: LiveValue): boolean {
    const { row } = slot;
    return (
      row.version === live.version &&
      row.suspectAt === null &&
      row.owner === null &&
      live.expiresAtMs - this.clock.nowMs() > EARLY_MS
    );
  }
}

const FOREIGN_ADVICE =
  'Somebody else fetches tokens for this account, such as a test server or an SDK that still has the ' +
  'AppSecret, or the AppSecret was reset. Point every caller here, and reset the AppSecret if in doubt.';
