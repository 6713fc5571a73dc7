import { Injectable } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { ReportCounter } from './report-counter.js';

/** Every few seconds: writes which reports came. */
@Injectable()
export class ReportCountScheduler {
  constructor(private readonly reports: ReportCounter) {}

  @Cron(CronExpression.EVERY_5_SECONDS)
  tick(): Promise<void> {
    return this.reports.flush();
  }
}
