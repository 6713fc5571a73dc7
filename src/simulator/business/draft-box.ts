import { randomBytes } from 'node:crypto';
import type { SimulatedClock } from '../simulated-clock.js';
import type { JsonObject } from '../wechat/json-object.js';

export interface Draft {
  readonly mediaId: string;
  readonly articles: readonly JsonObject[];
  /** Seconds since 1970. */
  readonly createdAt: number;
}

/** One account's drafts, newest first. */
export class DraftBox {
  private readonly drafts = new Map<string, Draft>();

  constructor(private readonly clock: SimulatedClock) {}

  add(articles: readonly JsonObject[]): Draft {
    const draft = {
      mediaId: randomBytes(48).toString('base64url'),
      articles,
      createdAt: Math.floor(this.clock.nowMs() / 1_000),
    };
    this.drafts.set(draft.mediaId, draft);
    return draft;
  }

  find(mediaId: string): Draft | undefined {
    return this.drafts.get(mediaId);
  }

  all(): Draft[] {
    return [...this.drafts.values()].reverse();
  }

  /** False: there is none with this id. */
  delete(mediaId: string): boolean {
    return this.drafts.delete(mediaId);
  }
}
