import { Injectable } from '@nestjs/common';
import type { Origin } from '../../audit/origin.js';
import { DatabaseError } from '../../database/database-error.js';
import type { AppError } from '../../errors/app-error.js';
import { toAppError } from '../../http/to-app-error.js';
import { CredentialReaderService } from '../credentials/credential-reader.service.js';
import type { Credential } from '../credentials/credential.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import { CredentialStore } from '../credentials/credential-store.js';
import { RefreshService } from '../credentials/refresh.service.js';
import { SharedCall } from '../credentials/shared-call.js';
import type { CountedOutcome } from './report.metrics.js';
import { ReportProbeService } from './report-probe.service.js';
import { ReportRecord } from './report-record.js';

export type ReportOutcome = 'superseded' | 'still_valid' | 'refreshed' | 'unverified';

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
  private readonly rereads = new SharedCall<Credential>();

  constructor(
    private readonly store: CredentialStore,
    private readonly reader: CredentialReaderService,
    private readonly probes: ReportProbeService,
    private readonly refreshes: RefreshService,
    private readonly records: ReportRecord,
  ) {}

  /**
   * @param waitMs bounds the wait for the floor between fetches and for another replica's refresh
   * @throws AppError `rate_limited` when it would start one probe too many of its client,
   *   `token_unavailable` when it was dead and could not be replaced,
   *   `database_unavailable` when it cannot be told whether it is the current one
   */
  async report(slot: Credential, reported: ReportedToken, waitMs: number): Promise<ReportAnswer> {
    const { origin, errcode: reportedErrcode } = reported;
    const startedMs = performance.now();
    const record = (outcome: CountedOutcome, version: number, failure?: AppError): void => {
      const durationMs = performance.now() - startedMs;
      const report = { slot, origin, reportedErrcode, outcome, version, failure, durationMs };
      this.records.add(report);
    };
    let answer;
    try {
      answer = await this.answer(slot, reported, waitMs);
    } catch (error) {
      record('failed', slot.version, toAppError(error));
      throw error;
    }
    record(answer.outcome, answer.snapshot.version);
    return answer;
  }

  private async answer(
    slot: Credential,
    reported: ReportedToken,
    waitMs: number,
  ): Promise<ReportAnswer> {
    const outcome = await this.decide(slot, reported, waitMs);
    const isSettled = outcome === 'refreshed' || outcome === 'unverified';
    return { outcome, snapshot: await this.reader.read(slot, isSettled ? 0 : waitMs) };
  }

  private async decide(
    slot: Credential,
    reported: ReportedToken,
    waitMs: number,
  ): Promise<ReportOutcome> {
    await this.reread(slot, reported);
    if (!isCurrent(slot, reported)) {
      return 'superseded';
    }
    const verdict = slot.isDead ? 'dead' : await this.probes.verify(slot, reported.origin.actor);
    if (verdict === 'alive') {
      return 'still_valid';
    }
    if (verdict === 'unknown') {
      return 'unverified';
    }
    if (slot.isDead) {
      const { origin } = reported;
      const request = { cause: 'report', force: 'no', replaces: slot.target, origin } as const;
      await this.refreshes.refresh(slot, request, waitMs);
    }
    return 'refreshed';
  }

  /** Another replica may have rotated within the last poll's second: then nothing is to be done. */
  private async reread(slot: Credential, reported: ReportedToken): Promise<void> {
    try {
      await this.rereads.run(slot, () => this.store.reload(slot));
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      // Versions never go back, so what memory calls superseded is.
      if (!isCurrent(slot, reported)) {
        return;
      }
      // Nothing can be refreshed now, but what WeChat refuses need not be handed out until it can be.
      await this.probes.verify(slot, reported.origin.actor);
      throw error;
    }
  }
}

function isCurrent({ live }: Credential, reported: ReportedToken): boolean {
  return reported.accessToken === undefined
    ? reported.version === live?.version
    : reported.accessToken === live?.value;
}
