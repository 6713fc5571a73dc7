import { Injectable } from '@nestjs/common';
import type { Origin } from '../../audit/origin.js';
import { ReadCounter } from '../../audit/read-counter.js';
import type { Client } from '../../access/client-directory.js';
import { HANDLE_LIFE_SECONDS, HandleService } from '../../access/handle.service.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { AppError, type ErrorCode } from '../../errors/app-error.js';
import { TokenReportService } from '../access-token/token-report.service.js';
import { TokenService } from '../access-token/token.service.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';

/** Less than the 3 s after which some SDKs give a call up. */
export const DROP_IN_WAIT_MS = 2_500;
/** A token that was fetched, or tried for a call that does not force, this lately is not tried for another one. */
const UNDOUBTED_MS = 30_000;

/** One that has just been fetched is not tried by force either: who asks now may have meant the one before it. */
const JUST_FETCHED_MS = 5_000;

export interface TokenQuestion {
  readonly client: Client;
  readonly origin: Origin;
  /** `force_refresh` of WeChat's call. */
  readonly force: boolean;
}

/**
 * The token in the way that SDKs ask for it. An SDK that asks again may have lost its memory, may be another
 * process, or may have seen its token refused: it cannot say so. Hence nothing is ever replaced because of
 * a call alone; each call of a client that may report is taken for a doubt and treated as a report, which
 * tries the token first. Who was handed what is not remembered: a restart or another replica would forget it
 * (docs/adr/0012). So a replica hands such a client no token that has been dead for 30 s, unless WeChat could
 * not say so.
 */
@Injectable()
export class DropInTokenService {
  /** When calls that do not force last had the token tried. */
  private readonly triedAtMs = new Map<string, number>();

  constructor(
    private readonly tokens: TokenService,
    private readonly reports: TokenReportService,
    private readonly reads: ReadCounter,
    private readonly clock: DatabaseClock,
    private readonly handles: HandleService,
  ) {}

  /**
   * @returns the current token, or a handle in its place for a client that may call WeChat but not see the token; and
   *   for how many seconds an SDK may keep it
   * @throws AppError `token_unavailable`, `rate_limited` for a forced call past the limit of reports
   */
  async answer(
    appId: string,
    { client, origin, force }: TokenQuestion,
  ): Promise<{ access_token: string; expires_in: number }> {
    this.tokens.requireForClient(appId);
    if (!client.scopes.has('token:read')) {
      return { access_token: this.handles.issue(client, appId), expires_in: HANDLE_LIFE_SECONDS };
    }
    const mayReport = client.scopes.has('token:report');
    if (mayReport && force) {
      await this.doubt(appId, origin, ['database_unavailable']);
    } else if (mayReport && this.isDoubtful(appId)) {
      await this.doubt(appId, origin, ['database_unavailable', 'rate_limited']);
    }
    const snapshot = this.tokens.current(appId) ?? (await this.tokens.read(appId, DROP_IN_WAIT_MS));
    this.reads.count(client, snapshot);
    return { access_token: snapshot.value, expires_in: this.secondsToKeep(appId, snapshot) };
  }

  /** @param passedOver failures that leave no reason not to hand out what memory holds */
  private async doubt(
    appId: string,
    origin: Origin,
    passedOver: readonly ErrorCode[],
  ): Promise<void> {
    const { obtainedAtMs, version } = this.tokens.requireForClient(appId);
    if (obtainedAtMs === undefined || this.clock.nowMs() - obtainedAtMs < JUST_FETCHED_MS) {
      return;
    }
    try {
      const current = { accessToken: undefined, version, origin };
      await this.reports.report(appId, current, DROP_IN_WAIT_MS);
    } catch (error) {
      if (!(error instanceof AppError) || !passedOver.includes(error.code)) {
        throw error;
      }
    }
  }

  /** Fetched a while ago, and not tried lately. Notes that it is tried now: no promise lies in between. */
  private isDoubtful(appId: string): boolean {
    const nowMs = this.clock.nowMs();
    const { obtainedAtMs } = this.tokens.requireForClient(appId);
    const triedAtMs = this.triedAtMs.get(appId) ?? -Infinity;
    const isTriedLately = Math.abs(nowMs - triedAtMs) < UNDOUBTED_MS;
    if (obtainedAtMs === undefined || nowMs - obtainedAtMs < UNDOUBTED_MS || isTriedLately) {
      return false;
    }
    this.triedAtMs.set(appId, nowMs);
    return true;
  }

  /**
   * A stable token can be kept until its end. A legacy one dies when it is replaced, which is long before its
   * end: it may be kept until the due time and through the overlap after it.
   */
  private secondsToKeep(appId: string, snapshot: CredentialSnapshot): number {
    const { replacedAtMs } = this.tokens.requireForClient(appId);
    const untilMs = Math.min(snapshot.expiresAtMs, replacedAtMs);
    return Math.max(1, Math.floor((untilMs - this.clock.nowMs()) / 1_000));
  }
}
