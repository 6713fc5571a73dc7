import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { DatabaseError } from '../../database/database-error.js';
import { JoinedRound } from '../../time/joined-round.js';
import { CredentialService } from '../credentials/credential.service.js';
import { TicketDemandService } from './ticket-demand.service.js';
import { TicketKindsService } from './ticket-kinds.service.js';

/**
 * At the start and once a minute: exchanges with the other replicas which tickets are wanted, and takes
 * those into memory, so that whichever replica is left keeps them alive. A round that still runs is joined.
 */
@Injectable()
export class TicketDemandScheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TicketDemandScheduler.name);
  private readonly round = new JoinedRound(() => this.exchange());
  private isStopping = false;

  constructor(
    private readonly demand: TicketDemandService,
    private readonly kinds: TicketKindsService,
    private readonly credentials: CredentialService,
  ) {}

  onApplicationBootstrap(): void {
    void this.credentials.loaded.then(() => this.tick());
  }

  /** Ends when the round has ended. Never rejects. */
  @Cron(CronExpression.EVERY_MINUTE)
  tick(): Promise<void> {
    return this.round.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.round.ended();
  }

  private async exchange(): Promise<void> {
    if (this.isStopping || !this.credentials.isLoaded) {
      return;
    }
    try {
      for (const { appId, type } of await this.demand.exchange()) {
        if (!(await this.kinds.open(appId, type))) {
          // Told to the database by a replica that did not know yet that the account was removed.
          await this.demand.forget(appId, type);
        }
      }
    } catch (error) {
      this.report(error);
    }
  }

  /** The next round makes up for it: a database that is away takes no ticket from anybody. */
  private report(error: unknown): void {
    if (error instanceof DatabaseError) {
      this.logger.warn({ event: 'ticket_demand_not_exchanged', reason: error.driverCode });
    } else {
      this.logger.error(error);
    }
  }
}
