import { Injectable } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { ReadCounter } from './read-counter.js';

/** Once a minute: writes how much was read. */
@Injectable()
export class ReadCountScheduler {
  constructor(private readonly reads: ReadCounter) {}

  @Cron(CronExpression.EVERY_MINUTE)
  tick(): Promise<void> {
    return this.reads.flush();
  }
}
