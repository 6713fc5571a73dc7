import { Injectable, Logger } from '@nestjs/common';
import { randomInt } from 'node:crypto';
import { DatabaseClock } from '../../database/database-clock.js';
import { WechatCallError } from '../api/wechat-call.error.js';
import { usableLifetimeMs } from './credential.policy.js';
import type { Credential } from './credential.js';
import type { FetchedValue } from './credential-kind.js';

const DATABASE_PAUSE_MS = 1_000;
const VERSION_JUMP = 100_000;

/**
 * The last option while the database is away and no claim can be made. Where a repeated fetch returns the same
 * value (stable mode), it is harmless without a claim, so it is made in the last two minutes of a value. The new value
 * is served from memory, and an ordinary claim stores it later. In other modes nothing is fetched.
 */
@Injectable()
export class UnclaimedFetchService {
  private readonly logger = new Logger(UnclaimedFetchService.name);

  constructor(private readonly clock: DatabaseClock) {}

  /** @returns whether there is a new value, pending in memory */
  async fetch(credential: Credential): Promise<boolean> {
    const nowMs = Math.trunc(this.clock.nowMs());
    credential.pauseForDatabase(nowMs + DATABASE_PAUSE_MS);
    if (credential.view.unclaimedFetchAtMs > nowMs) {
      return false;
    }
    credential.unclaimedFetchStarted();
    const fetched = await this.ask(credential);
    const lifetimeMs = fetched && usableLifetimeMs(fetched);
    if (
      fetched === undefined ||
      lifetimeMs === undefined ||
      fetched.value === credential.live?.value
    ) {
      return false;
    }
    credential.addPending({
      // Another replica may do the same: a random step keeps two values from sharing a version.
      version: credential.version + randomInt(1, VERSION_JUMP),
      value: fetched.value,
      obtainedAtMs: nowMs,
      expiresAtMs: nowMs + lifetimeMs,
      lifetimeMs: Math.max(lifetimeMs, credential.row.lifetimeMs),
      claim: undefined,
    });
    return true;
  }

  private async ask(credential: Credential): Promise<FetchedValue | undefined> {
    try {
      return await credential.kind.fetch(credential.account, { force: false });
    } catch (error) {
      if (!(error instanceof WechatCallError)) {
        throw error;
      }
      const { errcode, errmsg } = error;
      const line = {
        app_id: credential.account.appId,
        kind: credential.kind.name,
        errcode,
        errmsg,
      };
      this.logger.warn({ event: 'unclaimed_fetch_failed', ...line });
      return undefined;
    }
  }
}
