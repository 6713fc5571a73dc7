import { Injectable } from '@nestjs/common';
import type { Account } from './account.js';
import { SettingsService } from '../control/settings.service.js';
import { SimulatedClock } from '../simulated-clock.js';
import type { IssuedToken, MintRules, TokenFamily } from './token-ledger.js';

export interface IssuedAnswer {
  token: IssuedToken;
  expiresInSeconds: number;
  /** Whether this very call minted it. */
  minted: boolean;
}

/**
 * When WeChat mints, and when it hands out what there is.
 *
 * Legacy: each fetch mints. Stable: the same token with what remains of it, until its last
 * `stable_window_seconds`; then, or when forced within the limits, a new one.
 */
@Injectable()
export class TokenIssuerService {
  constructor(
    private readonly clock: SimulatedClock,
    private readonly settings: SettingsService,
  ) {}

  legacy(account: Account): IssuedAnswer {
    return this.mint(account, 'legacy', false);
  }

  /** A force past its limits is no error: it does not refresh ("不会刷新"), and reads like any other call. */
  stable(account: Account, force: boolean): IssuedAnswer {
    const settings = this.settings.current;
    const forced =
      force &&
      account.forceLimit.spend(settings.force_per_day, settings.force_interval_seconds * 1_000);
    const kept = forced ? undefined : this.keptStableToken(account);
    if (kept === undefined) {
      return this.mint(account, 'stable', false);
    }
    const remainingMs = kept.expiresAtMs - this.clock.nowMs();
    return { token: kept, expiresInSeconds: Math.floor(remainingMs / 1_000), minted: false };
  }

  /** As if another party had fetched (legacy) or forced (stable): it always mints, and spends no quota. */
  foreign(account: Account, family: TokenFamily): IssuedAnswer {
    return this.mint(account, family, true);
  }

  private keptStableToken(account: Account): IssuedToken | undefined {
    const newest = account.ledgers.stable.newest;
    if (newest === undefined || newest.killed?.stillHandedOut === false) {
      return undefined;
    }
    const remainingMs = newest.expiresAtMs - this.clock.nowMs();
    const windowMs = this.settings.current.stable_window_seconds * 1_000;
    return remainingMs > windowMs && remainingMs >= 1_000 ? newest : undefined;
  }

  private mint(account: Account, family: TokenFamily, foreign: boolean): IssuedAnswer {
    const settings = this.settings.current;
    const lifetimeSeconds = account.lifetimeSeconds ?? settings.lifetime_seconds;
    const rules: MintRules = {
      lifetimeMs: lifetimeSeconds * 1_000,
      overlapMs: settings.overlap_seconds * 1_000,
      overlapDepth: settings.overlap_depth,
      foreign,
    };
    const token = account.ledgers[family].mint(rules);
    return { token, expiresInSeconds: lifetimeSeconds, minted: true };
  }
}
