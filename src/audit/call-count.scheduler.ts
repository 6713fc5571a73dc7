import { Injectable } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { CallCounter } from './call-counter.js';

/** Every few seconds: writes which calls came. */
@Injectable()
export class CallCountScheduler {
  constructor(private readonly calls: CallCounter) {}

  @Cron(CronExpression.EVERY_5_SECONDS)
  tick(): Promise<void> {
    return this.calls.flush();
  }
}
