import { Injectable, Logger } from '@nestjs/common';
import type { Origin } from '../../audit/origin.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { AppError } from '../../errors/app-error.js';
import { accountNotFound } from '../accounts/account.errors.js';
import { allowedAtMs, claimableAtMs } from '../credentials/credential-view.js';
import { upstreamOf } from '../credentials/credential-reader.service.js';
import type { Credential } from '../credentials/credential.js';
import { incidentOfFailure } from '../credentials/incident.js';
import { CredentialStore } from '../credentials/credential-store.js';
import { PauseService } from '../credentials/pause.service.js';
import type { RefreshFailure } from '../credentials/refresh-failure.js';
import { RefreshService } from '../credentials/refresh.service.js';
import { TokenLimits } from '../access-token/token-limits.js';

export interface RefreshOrder {
  /** Stable mode: ask for a new token although the old one is good. Legacy mode always does. */
  readonly force: boolean;
  readonly reason: string | undefined;
  readonly waitMs: number;
  readonly origin: Origin;
}

/**
 * An admin asks WeChat now: past the pause after a failure, within floor, lease and forced ledger. A token that
 * came ends the pauses of all that is fetched with it.
 */
@Injectable()
export class TokenRefreshService {
  private readonly logger = new Logger(TokenRefreshService.name);

  constructor(
    private readonly store: CredentialStore,
    private readonly refreshes: RefreshService,
    private readonly pauses: PauseService,
    private readonly clock: DatabaseClock,
    private readonly limits: TokenLimits,
  ) {}

  /**
   * @returns whether the version grew since the request came in
   * @throws AppError `rate_limited`, `force_refresh_limited`, `wechat_error`, `wechat_unreachable`, `wechat_timeout`,
   *   `token_unavailable` when the floor or a lease outlasts the wait, `forbidden` for an account that is
   *   switched off, `database_unavailable`
   */
  async refresh(slot: Credential, order: RefreshOrder): Promise<boolean> {
    const { account, policy } = slot;
    const { origin, waitMs } = order;
    const force = order.force && policy.forced !== undefined;
    if (!account.enabled) {
      throw new AppError(
        'forbidden',
        `This account is switched off, so WeChat is not asked. Switch it on first: PATCH /v1/admin/accounts/${account.appId} with "enabled": true.`,
      );
    }
    this.limits.countRefresh(account.appId);
    await this.store.reload(slot);
    const { target } = slot;
    const versionBefore = target.version;
    this.logger.log({
      event: 'admin_refresh',
      request_id: origin.requestId,
      app_id: account.appId,
      force,
      reason: order.reason,
      version: versionBefore,
    });
    if (force) {
      this.assertForceAllowed(slot);
    }
    const result = await this.refreshes.refresh(
      slot,
      { cause: 'admin', force: force ? 'requested' : 'no', replaces: target, origin },
      waitMs,
    );
    if (slot.isRetired) {
      throw accountNotFound();
    }
    switch (result.outcome) {
      case 'committed':
      case 'held':
        await this.pauses.end(account.appId);
        return slot.version > versionBefore;
      case 'failed':
        throw failed(slot, result.failure);
      case 'database_away':
        throw new AppError(
          'database_unavailable',
          'WeChat was not called, because the database did not store the claim. The log says why. Repeat the request once the database accepts writes again.',
        );
      case 'not_claimed':
      case 'fenced_off':
      case 'out_of_time':
        if (force) {
          this.assertForceAllowed(slot);
        }
        throw this.tooEarly(slot);
    }
  }

  private assertForceAllowed(slot: Credential): void {
    const nowMs = this.clock.nowMs();
    const waitMs = allowedAtMs(slot.facts, { cause: 'admin', force: 'requested' }, nowMs) - nowMs;
    if (waitMs > 0) {
      throw new AppError(
        'force_refresh_limited',
        'WeChat allows 20 forced refreshes a day, 30 s apart. Ask again after Retry-After, or without force.',
        { retryAfterSeconds: Math.ceil(waitMs / 1_000) },
      );
    }
  }

  private tooEarly(slot: Credential): AppError {
    const request = { cause: 'admin', force: 'no' } as const;
    const nowMs = this.clock.nowMs();
    const freeAtMs = Math.max(slot.view.leasedUntilMs, claimableAtMs(slot.facts, request, nowMs));
    return new AppError(
      'token_unavailable',
      'Another refresh has just been made or is under way. Ask again after Retry-After, or with a longer ?wait=.',
      { retryAfterSeconds: Math.max(1, Math.ceil((freeAtMs - nowMs) / 1_000)) },
    );
  }
}

function failed(slot: Credential, failure: RefreshFailure): AppError {
  const detail = `The refresh failed: ${failure.errmsg}. ${failure.advice}`;
  const isOurs = failure.code === 'same_value' || failure.code === 'internal_error';
  return new AppError(isOurs ? 'token_unavailable' : failure.code, detail, {
    upstream: upstreamOf(failure),
    incident: incidentOfFailure(slot, failure),
  });
}
