import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { SteadyLoop } from '../time/steady-loop.js';
import { DatabaseClock } from './database-clock.js';
import { DatabaseError } from './database-error.js';
import { DatabaseService } from './database.service.js';
import { ReplicaSyncService } from './replica-sync.service.js';

const SKEW_WARNING_MS = 2_000;

/** What a feature does once a second, after the round. */
export interface AfterRound {
  /** The round is over and read all. A DatabaseError counts like one of the round. */
  write?(): Promise<void>;
  /** Whether the database answered or not. */
  always?(): void;
}

/** The poll loop: once a second a round of {@link ReplicaSyncService}, and what the features do after it. */
@Injectable()
export class ReplicaSyncScheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ReplicaSyncScheduler.name);
  private readonly loop = new SteadyLoop(() => this.poll(), this.logger);
  private readonly features: AfterRound[] = [];
  private isAway = false;
  private isSkewed = false;

  constructor(
    private readonly sync: ReplicaSyncService,
    private readonly database: DatabaseService,
    private readonly clock: DatabaseClock,
  ) {}

  afterRound(feature: AfterRound): void {
    this.features.push(feature);
  }

  onApplicationBootstrap(): void {
    this.loop.start(this.database.connected);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  /** Ends when the round that runs has ended. */
  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** One turn of the loop. A database that is away is reported once, and asked again. */
  async poll(): Promise<void> {
    try {
      await this.sync.round();
      for (const feature of this.features) {
        await feature.write?.();
      }
      this.reportBack();
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      this.reportAway(error.driverCode);
    } finally {
      for (const feature of this.features) {
        feature.always?.();
      }
    }
    this.reportSkew();
  }

  private reportAway(reason: string): void {
    if (!this.isAway) {
      this.isAway = true;
      this.logger.error({
        event: 'database_away',
        reason,
        advice:
          'tokens are served from memory, clients and keys stay as they were; look at the database before the tokens end',
      });
    }
  }

  private reportBack(): void {
    if (this.isAway) {
      this.isAway = false;
      this.logger.log({ event: 'database_back' });
    }
  }

  private reportSkew(): void {
    const skewMs = Math.round(this.clock.skewMs());
    const isSkewed = Math.abs(skewMs) > SKEW_WARNING_MS;
    if (isSkewed && !this.isSkewed) {
      this.logger.warn({
        event: 'clock_skew',
        skew_ms: skewMs,
        advice: "this machine's clock differs from the database's; run NTP on both",
      });
    }
    this.isSkewed = isSkewed;
  }
}
