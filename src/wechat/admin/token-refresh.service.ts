import { Injectable, Logger } from '@nestjs/common';
import type { Origin } from '../../audit/origin.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { AppError } from '../../errors/app-error.js';
import { ACCESS_TOKEN } from '../access-token/access-token.client.js';
import { TokenService } from '../access-token/token.service.js';
import { CredentialService, type RefreshAnswer } from '../credentials/credential.service.js';
import { accountNotFound } from '../accounts/account.errors.js';
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
    private readonly tokens: TokenService,
    private readonly credentials: CredentialService,
    private readonly clock: DatabaseClock,
    private readonly limits: TokenLimits,
  ) {}

  /**
   * @returns whether the version grew since the request came in
   * @throws AppError `rate_limited`, `force_refresh_limited`, `wechat_error`, `wechat_unreachable`, `wechat_timeout`,
   *   `token_unavailable` when the floor or a lease outlasts the wait, `forbidden` for an account that is
   *   switched off, `database_unavailable`
   */
  async refresh(appId: string, order: RefreshOrder): Promise<boolean> {
    const { origin, reason, waitMs } = order;
    const { account, canForce } = this.tokens.requireForAdmin(appId);
    const force = order.force && canForce;
    if (!account.enabled) {
      throw new AppError(
        'forbidden',
        `This account is switched off, so WeChat is not asked. Switch it on first: PATCH /v1/admin/accounts/${appId} with "enabled": true.`,
      );
    }
    this.limits.countRefresh(appId);
    await this.credentials.reread(appId, ACCESS_TOKEN);
    const { version: versionBefore } = this.tokens.requireForAdmin(appId);
    this.logger.log({
      event: 'admin_refresh',
      request_id: origin.requestId,
      app_id: appId,
      force,
      reason,
      version: versionBefore,
    });
    if (force) {
      this.assertForceAllowed(appId);
    }
    const wanted = { cause: 'admin', force: force ? 'requested' : 'no', origin } as const;
    const answer = await this.credentials.refresh(appId, ACCESS_TOKEN, wanted, waitMs);
    switch (answer.outcome) {
      case 'removed':
        throw accountNotFound();
      case 'refreshed':
        await this.credentials.endPauses(appId);
        return this.tokens.requireForAdmin(appId).version > versionBefore;
      case 'failed':
        throw failed(answer);
      case 'database_away':
        throw new AppError(
          'database_unavailable',
          'WeChat was not called, because the database did not store the claim. The log says why. Repeat the request once the database accepts writes again.',
        );
      case 'too_early':
        if (force) {
          this.assertForceAllowed(appId);
        }
        throw new AppError(
          'token_unavailable',
          'Another refresh has just been made or is under way. Ask again after Retry-After, or with a longer ?wait=.',
          { retryAfterSeconds: Math.max(1, this.secondsUntil(answer.retryAtMs)) },
        );
    }
  }

  private assertForceAllowed(appId: string): void {
    const retryAfterSeconds = this.secondsUntil(this.tokens.requireForAdmin(appId).forcedAtMs);
    if (retryAfterSeconds > 0) {
      throw new AppError(
        'force_refresh_limited',
        'WeChat allows 20 forced refreshes a day, 30 s apart. Ask again after Retry-After, or without force.',
        { retryAfterSeconds },
      );
    }
  }

  private secondsUntil(atMs: number): number {
    return Math.ceil((atMs - this.clock.nowMs()) / 1_000);
  }
}

function failed({ failure, incident }: Extract<RefreshAnswer, { outcome: 'failed' }>): AppError {
  const { code, errcode, errmsg, advice } = failure;
  const isOurs = code === 'same_value' || code === 'internal_error';
  return new AppError(
    isOurs ? 'token_unavailable' : code,
    `The refresh failed: ${errmsg}. ${advice}`,
    { upstream: { errcode, errmsg, advice }, incident },
  );
}
