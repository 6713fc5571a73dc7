import { Injectable } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { RetentionService } from './retention.service.js';

/** Once a day: deletes what has been kept for long enough. */
@Injectable()
export class RetentionScheduler {
  constructor(private readonly retention: RetentionService) {}

  @Cron(CronExpression.EVERY_DAY_AT_3AM)
  tick(): Promise<void> {
    return this.retention.purge();
  }
}
