import { Injectable } from '@nestjs/common';
import { RequestLimit } from '../../access/request-limit.js';
import { AppError } from '../../errors/app-error.js';
import { Clock } from '../../time/clock.js';

const PROBES_PER_MINUTE = 60;
const REFRESHES_PER_MINUTE = 10;

/**
 * What clients and admins may ask of WeChat, each client and each account for itself. Every replica
 * counts its own: what protects WeChat's quota is not this but the ledger in the credential's row.
 */
@Injectable()
export class TokenLimits {
  private readonly probes: RequestLimit;
  private readonly refreshes: RequestLimit;

  constructor(clock: Clock) {
    this.probes = new RequestLimit(PROBES_PER_MINUTE, clock);
    this.refreshes = new RequestLimit(REFRESHES_PER_MINUTE, clock);
  }

  /** Counts a probe that a client's report is about to start. @throws AppError `rate_limited` */
  countProbe(clientId: string): void {
    const excess = this.probes.take(clientId);
    if (excess !== undefined) {
      throw new AppError(
        'rate_limited',
        `Reports of this client have started ${PROBES_PER_MINUTE} probes within a minute. Report a token once, when WeChat refused it, and go on with the one of the answer.`,
        { retryAfterSeconds: excess.retryAfterSeconds },
      );
    }
  }

  /** Counts an admin's refresh of an account. @throws AppError `rate_limited` */
  countRefresh(appId: string): void {
    const excess = this.refreshes.take(appId);
    if (excess !== undefined) {
      throw new AppError(
        'rate_limited',
        `An admin may refresh an account ${REFRESHES_PER_MINUTE} times a minute. Look at its state (GET /v1/admin/accounts/{app_id}) before the next one.`,
        { retryAfterSeconds: excess.retryAfterSeconds },
      );
    }
  }
}
