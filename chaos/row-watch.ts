import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosDatabase } from './chaos-database.js';
import { now } from './now.js';
import type { Row } from './record.js';
import type { Recorder } from './recorder.js';

const LOOK_MS = 40;

/** Looks at the credential's row all the time, and records it whenever it has changed. */
export class RowWatch {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private lastRow: Row | undefined;

  constructor(
    private readonly database: ChaosDatabase,
    private readonly recorder: Recorder,
  ) {}

  /** As it was at the last look. */
  get row(): Row | undefined {
    return this.lastRow;
  }

  start(): void {
    this.loop = this.repeat();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async repeat(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const found = await this.database.credential();
      if (found !== undefined) {
        this.take(toRow(found));
      }
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private take(row: Row): void {
    if (row.revision !== this.lastRow?.revision || row.fence !== this.lastRow.fence) {
      this.lastRow = row;
      this.recorder.add(row);
    }
  }
}

/** The servers' drivers return whole numbers beyond 32 bits as text. */
function toRow(found: Readonly<Record<string, unknown>>): Row {
  const optional = (name: string): number | null =>
    found[name] === null ? null : Number(found[name]);
  return {
    kind: 'row',
    at: now(),
    version: Number(found.version),
    fence: Number(found.fence),
    revision: Number(found.revision),
    owner: typeof found.owner === 'string' ? found.owner : null,
    leaseUntil: Number(found.lease_until),
    claimedAt: Number(found.claimed_at),
    suspectAt: optional('suspect_at'),
    unknownOutcomes: Number(found.unknown_outcomes),
    deadAt: optional('dead_at'),
    callsToday: Number(found.calls_today),
  };
}
