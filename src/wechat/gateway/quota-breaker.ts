import type { Clock } from '../../time/clock.js';

/** WeChat's own answer to a call past a quota. */
export interface QuotaAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

interface Remembered extends QuotaAnswer {
  readonly untilMs: number;
}

const HOLD_MS = 60_000;
/** Each at most 64 KiB, as all that is looked into; usually a hundred bytes. */
const MOST_PATHS = 1_000;

/**
 * Paths whose quota WeChat said is used up (45009, 45011): for the next minute calls of that account and path are
 * answered with WeChat's words, and not sent.
 */
export class QuotaBreaker {
  /** In the order in which they end. */
  private readonly answers = new Map<string, Remembered>();

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  find(appId: string, path: string): QuotaAnswer | undefined {
    const answer = this.answers.get(keyOf(appId, path));
    return answer !== undefined && answer.untilMs > this.clock.monotonicMs() ? answer : undefined;
  }

  remember(appId: string, path: string, { status, headers, body }: QuotaAnswer): void {
    const key = keyOf(appId, path);
    this.answers.delete(key);
    for (const oldest of this.answers.keys()) {
      if (this.answers.size < MOST_PATHS) {
        break;
      }
      this.answers.delete(oldest);
    }
    const untilMs = this.clock.monotonicMs() + HOLD_MS;
    this.answers.set(key, { status, headers, body, untilMs });
  }
}

function keyOf(appId: string, path: string): string {
  return `${appId} ${path}`;
}
