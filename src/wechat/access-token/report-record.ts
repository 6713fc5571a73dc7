import { Injectable, Logger } from '@nestjs/common';
import { declareAuditAction } from '../../audit/audit-action.js';
import { CallCounter } from '../../audit/call-counter.js';
import type { Origin } from '../../audit/origin.js';
import type { AppError } from '../../errors/app-error.js';
import { REPORT_OUTCOMES } from './report-outcome.js';
import { type CountedOutcome, ReportMetrics } from './report.metrics.js';

const ACTION = declareAuditAction('token.report', [...REPORT_OUTCOMES, 'failed:<code>']);

export interface AnsweredReport {
  readonly appId: string;
  readonly origin: Origin;
  /** What WeChat said to the client, if it tells. */
  readonly reportedErrcode: number | undefined;
  readonly outcome: CountedOutcome;
  /** The version that it was answered with; of a failure, the one that was current. */
  readonly version: number;
  readonly durationMs: number;
  /** What it was answered with in place of a token. */
  readonly failure?: AppError | undefined;
}

/** What came of each report: a line of the log, a figure, and a count for the trail. */
@Injectable()
export class ReportRecord {
  private readonly logger = new Logger(ReportRecord.name);

  constructor(
    private readonly calls: CallCounter,
    private readonly metrics: ReportMetrics,
  ) {}

  add({ appId, origin, outcome, version, failure, ...report }: AnsweredReport): void {
    this.metrics.count(appId, outcome);
    const counted = failure === undefined ? outcome : `failed:${failure.code}`;
    this.calls.count({ action: ACTION, appId, version, outcome: counted, origin });
    this.logger.log({
      event: 'report',
      request_id: origin.requestId,
      app_id: appId,
      client: origin.actor,
      reported_errcode: report.reportedErrcode,
      outcome,
      version,
      duration_ms: Math.round(report.durationMs),
      ...(failure && { code: failure.code, errcode: failure.upstream?.errcode }),
    });
  }
}
