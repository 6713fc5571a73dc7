import { Injectable } from '@nestjs/common';

/** An operator has to act before the service can start: the message says what and how, and no stack helps. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}

type Handler = (error: unknown) => void;

/**
 * Errors after which the process must not go on, such as a database that no configured key opens.
 * A feature raises; main.ts listens, logs and exits 1. What is raised before anybody listens is kept.
 */
@Injectable()
export class FatalErrors {
  private handler: Handler | undefined;
  private pending: { readonly error: unknown } | undefined;

  raise(error: unknown): void {
    if (this.handler === undefined) {
      this.pending ??= { error };
      return;
    }
    this.handler(error);
  }

  /** One handler; it is called at once when something was raised before. */
  onRaise(handler: Handler): void {
    this.handler = handler;
    if (this.pending !== undefined) {
      const { error } = this.pending;
      this.pending = undefined;
      handler(error);
    }
  }
}
