import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { JoinedRound } from '../../time/joined-round.js';
import { IpService } from './ip.service.js';

/** Accounts have two lists each, and a WeChat that hangs holds each call for its whole deadline. */
const AT_ONCE = 4;

/** Once a minute: refreshes the lists in memory that are due. A round that still runs is joined. */
@Injectable()
export class IpListScheduler implements BeforeApplicationShutdown {
  private readonly round = new JoinedRound(() => this.refreshDue());
  private isStopping = false;

  constructor(private readonly ips: IpService) {}

  /** Ends when the round has ended. Never rejects. */
  @Cron(CronExpression.EVERY_MINUTE)
  tick(): Promise<void> {
    return this.round.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.round.ended();
  }

  private async refreshDue(): Promise<void> {
    const due = this.ips.due();
    const work = async (): Promise<void> => {
      for (let slot = due.shift(); slot && !this.isStopping; slot = due.shift()) {
        await this.ips.refresh(slot);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
}
