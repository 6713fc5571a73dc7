import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { JoinedRound } from '../time/joined-round.js';
import { PollLoop } from '../time/poll-loop.js';
import { DatabaseClock } from './database-clock.js';
import { DatabaseError } from './database-error.js';
import { DatabaseService } from './database.service.js';
import { ReplicaSyncService } from './replica-sync.service.js';

const SKEW_WARNING_MS = 2_000;

/** What a feature does once a second, after the round. */
export interface AfterRound {
  /**
   * The round is over and read all. Runs beside the next rounds, and not twice at a time: a write that waits for a
   * lock must not keep a revoked key alive. A DatabaseError counts like one of the round.
   */
  write?(): Promise<void>;
  /** Whether the database answered or not. */
  always?(): void;
}

/** The poll loop: once a second a round of {@link ReplicaSyncService}, and what the features do after it. */
@Injectable()
export class ReplicaSyncScheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ReplicaSyncScheduler.name);
  private readonly loop = new PollLoop(() => this.turn(() => void this.write()), this.logger);
  private readonly features: AfterRound[] = [];
  private readonly writing = new JoinedRound(() => this.writeAll());
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

  /** Ends when the round that runs has ended, and what is written after it. */
  async stop(): Promise<void> {
    await this.loop.stop();
    await this.writing.ended();
  }

  /** One turn of the loop, and what is written after its round. */
  async poll(): Promise<void> {
    await this.turn(async () => {
      await this.writing.ended();
      await this.write();
    });
  }

  private async turn(write: () => Promise<void> | void): Promise<void> {
    if (await this.read()) {
      await write();
      this.reportSkew();
    }
    for (const feature of this.features) {
      feature.always?.();
    }
  }

  /** @returns false when the database is away: that is reported once, and it is asked again */
  private async read(): Promise<boolean> {
    try {
      await this.sync.round();
      return true;
    } catch (error) {
      this.reportIfAway(error);
      return false;
    }
  }

  /** Joins what is being written. Never rejects. */
  private write(): Promise<void> {
    return this.writing.run();
  }

  private async writeAll(): Promise<void> {
    try {
      for (const feature of this.features) {
        await feature.write?.();
      }
      this.reportBack();
    } catch (error) {
      this.reportIfAway(error);
    }
  }

  private reportIfAway(error: unknown): void {
    if (error instanceof DatabaseError) {
      this.reportAway(error.driverCode);
    } else {
      this.logger.error(error);
    }
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
