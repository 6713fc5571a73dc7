import { Injectable } from '@nestjs/common';

/** Undefined when ready, else the reason in words. Counts, never which account or what it holds. */
export type ReadinessCheck = () => string | undefined;

/**
 * Whether this process should be sent requests. Features register what they need before they can
 * answer; each check reads memory only.
 */
@Injectable()
export class Readiness {
  private readonly checks = new Map<string, ReadinessCheck>();
  private draining = false;

  register(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  /** The process is about to stop: unready from here on, while it finishes what it has. */
  drain(): void {
    this.draining = true;
  }

  /** Each as `<name>: <reason>`, by name, whichever module came first; empty when ready. */
  reasons(): string[] {
    if (this.draining) {
      return ['process: is shutting down'];
    }
    return [...this.checks]
      .flatMap(([name, check]) => {
        const reason = check();
        return reason === undefined ? [] : [`${name}: ${reason}`];
      })
      .sort();
  }
}
