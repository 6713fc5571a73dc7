import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 1_000;
/** Replicas that started together should not ask together: ± 20 %. */
const SPREAD = 0.2;

/** Runs a step about once a second, never twice at a time, from `start` until `stop`. */
export class PollLoop {
  private readonly stopping = new AbortController();
  private isRunning = false;
  private loop: Promise<void> = Promise.resolve();

  /** @param step what it throws is logged, and the step runs again a second later */
  constructor(
    private readonly step: () => Promise<void>,
    private readonly logger: Logger,
  ) {}

  /** @param after what must have happened before the first step; it never rejects */
  start(after: Promise<void>): void {
    this.loop = after.then(() => this.repeat());
  }

  /** Ends when the step that runs has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    // Before the first step there is nothing to wait for, and what it waits for may never come.
    await (this.isRunning ? this.loop : undefined);
  }

  private async repeat(): Promise<void> {
    this.isRunning = true;
    while (!this.stopping.signal.aborted) {
      await this.step().catch((error: unknown) => {
        this.logger.error(error);
      });
      const pauseMs = PAUSE_MS * (1 - SPREAD + 2 * SPREAD * Math.random());
      await delay(pauseMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }
}
