import { Injectable, Logger } from '@nestjs/common';
import { randomInt } from 'node:crypto';
import { DatabaseClock } from '../../database/database-clock.js';
import { WechatCallError } from '../api/wechat-call.error.js';
import { scaleOf, usableLifetimeMs } from './credential.policy.js';
import type { CredentialSlot } from './credential-slot.js';
import { CredentialStore } from './credential-store.js';
import type { FetchedValue } from './credential-kind.js';

/** With less than this left to live, and this far apart. */
const LEFT_MS = 120_000;
const APART_MS = 30_000;
const DATABASE_PAUSE_MS = 1_000;
const VERSION_JUMP = 100_000;

/**
 * What is left while the database is away, when no claim can be made: where a repeated fetch returns the
 * same value it does no harm without one, so the last two minutes of a value are not let pass. The value
 * is served from memory, and stored by an ordinary claim later. Anywhere else nothing is fetched.
 */
@Injectable()
export class LastResortService {
  private readonly logger = new Logger(LastResortService.name);
  private readonly fetchedAtMs = new WeakMap<CredentialSlot, number>();

  constructor(
    private readonly store: CredentialStore,
    private readonly clock: DatabaseClock,
  ) {}

  /** @returns whether a new value is held in memory */
  async fetch(slot: CredentialSlot): Promise<boolean> {
    const nowMs = Math.trunc(this.clock.nowMs());
    slot.notBeforeMs = nowMs + DATABASE_PAUSE_MS;
    if (!this.isAllowed(slot, nowMs)) {
      return false;
    }
    this.fetchedAtMs.set(slot, nowMs);
    const fetched = await this.ask(slot);
    const lifetimeMs = fetched && usableLifetimeMs(fetched);
    if (fetched === undefined || lifetimeMs === undefined || fetched.value === slot.live?.value) {
      return false;
    }
    slot.hold({
      // Another replica may do the same: a jump keeps two values from sharing a version.
      version: slot.version + randomInt(1, VERSION_JUMP),
      value: fetched.value,
      obtainedAtMs: nowMs,
      expiresAtMs: nowMs + lifetimeMs,
      lifetimeMs: Math.max(lifetimeMs, slot.row.lifetimeMs),
      claim: undefined,
    });
    return true;
  }

  private async ask(slot: CredentialSlot): Promise<FetchedValue | undefined> {
    try {
      return await slot.kind.fetch(slot.account, { force: false });
    } catch (error) {
      if (!(error instanceof WechatCallError)) {
        throw error;
      }
      const { errcode, errmsg } = error;
      const line = { app_id: slot.account.appId, kind: slot.kind.name, errcode, errmsg };
      this.logger.warn({ event: 'unclaimed_fetch_failed', ...line });
      return undefined;
    }
  }

  private isAllowed(slot: CredentialSlot, nowMs: number): boolean {
    const scale = scaleOf(slot.policy, slot.row.lifetimeMs);
    const lastAtMs = this.fetchedAtMs.get(slot) ?? -Infinity;
    return (
      !slot.policy.fetchEndsOlderValue &&
      this.store.servableMs(slot) < LEFT_MS * scale &&
      nowMs - lastAtMs >= APART_MS * scale
    );
  }
}
