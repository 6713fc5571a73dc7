import { Injectable } from '@nestjs/common';
import type { Origin } from '../../audit/origin.js';
import { DatabaseError } from '../../database/database-error.js';
import type { AppError } from '../../errors/app-error.js';
import { toAppError } from '../../http/to-app-error.js';
import { CredentialService } from '../credentials/credential.service.js';
import type { ProbeVerdict } from '../credentials/credential-kind.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import { ACCESS_TOKEN } from './access-token.client.js';
import type { CountedOutcome } from './report.metrics.js';
import type { ReportOutcome } from './report-outcome.js';
import { ReportRecord } from './report-record.js';
import { TokenLimits } from './token-limits.js';

/** Which token a client found dead: itself, or in its place its version. */
export interface ReportedToken {
  readonly accessToken: string | undefined;
  readonly version: number | undefined;
  /** What WeChat said to the client, if it tells. */
  readonly errcode?: number | undefined;
  /** Who says so. */
  readonly origin: Origin;
}

export interface ReportAnswer {
  readonly outcome: ReportOutcome;
  readonly snapshot: CredentialSnapshot;
}

/**
 * The passive refresh: a client says that WeChat refused its token. Nothing is believed: an old token is
 * answered with the current one, and the current one is tried before it is replaced. So a client that is
 * wrong, or a thousand at once, cause one probe and at most one refresh.
 *
 *   re-read the row ─▶ not the current one? ─▶ superseded
 *                      current, tried: alive ─▶ still_valid · no clear answer ─▶ unverified
 *                                      dead  ─▶ refresh ─▶ refreshed
 */
@Injectable()
export class TokenReportService {
  constructor(
    private readonly credentials: CredentialService,
    private readonly limits: TokenLimits,
    private readonly records: ReportRecord,
  ) {}

  /**
   * @param waitMs bounds the wait for the floor between fetches and for another replica's refresh
   * @throws AppError `rate_limited` when it would start one probe too many of its client,
   *   `token_unavailable` when it was dead and could not be replaced,
   *   `database_unavailable` when it cannot be told whether it is the current one
   */
  async report(appId: string, reported: ReportedToken, waitMs: number): Promise<ReportAnswer> {
    const { origin, errcode: reportedErrcode } = reported;
    const startedMs = performance.now();
    const record = (outcome: CountedOutcome, version: number, failure?: AppError): void => {
      const durationMs = performance.now() - startedMs;
      const report = { appId, origin, reportedErrcode, outcome, version, failure, durationMs };
      this.records.add(report);
    };
    let answer;
    try {
      answer = await this.answer(appId, reported, waitMs);
    } catch (error) {
      const version = this.credentials.status(appId, ACCESS_TOKEN)?.version ?? 0;
      record('failed', version, toAppError(error));
      throw error;
    }
    record(answer.outcome, answer.snapshot.version);
    return answer;
  }

  private async answer(
    appId: string,
    reported: ReportedToken,
    waitMs: number,
  ): Promise<ReportAnswer> {
    const outcome = await this.decide(appId, reported, waitMs);
    const isSettled = outcome === 'refreshed' || outcome === 'unverified';
    const snapshot = await this.credentials.read(appId, ACCESS_TOKEN, isSettled ? 0 : waitMs);
    return { outcome, snapshot };
  }

  private async decide(
    appId: string,
    reported: ReportedToken,
    waitMs: number,
  ): Promise<ReportOutcome> {
    await this.reread(appId, reported);
    if (!this.isCurrent(appId, reported)) {
      return 'superseded';
    }
    const verdict = this.isDead(appId) ? 'dead' : await this.verify(appId, reported);
    if (verdict === 'alive') {
      return 'still_valid';
    }
    if (verdict === 'unknown') {
      return 'unverified';
    }
    if (this.isDead(appId)) {
      const wanted = { cause: 'report', origin: reported.origin } as const;
      await this.credentials.refresh(appId, ACCESS_TOKEN, wanted, waitMs);
    }
    return 'refreshed';
  }

  /** Another replica may have rotated within the last poll's second: then nothing is to be done. */
  private async reread(appId: string, reported: ReportedToken): Promise<void> {
    try {
      await this.credentials.reread(appId, ACCESS_TOKEN);
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      // Versions never go back, so what memory calls superseded is.
      if (!this.isCurrent(appId, reported)) {
        return;
      }
      // Nothing can be refreshed now, but what WeChat refuses need not be handed out until it can be.
      await this.verify(appId, reported);
      throw error;
    }
  }

  /** A report that shares a probe asks nothing of WeChat, and does not count. @throws AppError `rate_limited` */
  private verify(appId: string, { origin }: ReportedToken): Promise<ProbeVerdict> {
    return this.credentials.verify(appId, ACCESS_TOKEN, () => {
      this.limits.countProbe(origin.actor);
    });
  }

  private isCurrent(appId: string, { accessToken: value, version }: ReportedToken): boolean {
    return this.credentials.isCurrent(appId, ACCESS_TOKEN, { value, version });
  }

  private isDead(appId: string): boolean {
    return this.credentials.status(appId, ACCESS_TOKEN)?.isDead === true;
  }
}
