import { Injectable } from '@nestjs/common';
import { EventEmitter, once } from 'node:events';
import type { JournalEntry, JournalFilter } from './journal.dto.js';
import { SettingsService } from '../control/settings.service.js';
import { SimulatedClock } from '../simulated-clock.js';

type Arrival = Pick<
  JournalEntry,
  'method' | 'path' | 'raw_query' | 'query_keys' | 'headers' | 'caller_ip'
>;
type Facts = Partial<{ -readonly [Field in keyof JournalEntry]: JournalEntry[Field] }>;
type End = Pick<JournalEntry, 'outcome' | 'status'>;

/**
 * Every call to the simulated WeChat, the newest `journal_limit` of them. An entry stands from the start
 * of its call and fills up as the call goes on; `end` closes it once.
 */
@Injectable()
export class JournalService {
  private readonly entries = new Map<number, JournalEntry>();
  private order = 0;
  private droppedCount = 0;
  private seq = 0;
  private readonly changes = new EventEmitter().setMaxListeners(0);

  constructor(
    private readonly clock: SimulatedClock,
    private readonly settings: SettingsService,
  ) {}

  get lastSeq(): number {
    return this.seq;
  }

  get dropped(): number {
    return this.droppedCount;
  }

  get size(): number {
    return this.entries.size;
  }

  begin(arrival: Arrival): JournalEntry {
    const entry: JournalEntry = {
      seq: (this.seq += 1),
      started_at: this.now(),
      ended_at: null,
      start_order: (this.order += 1),
      end_order: null,
      ...arrival,
      body_bytes: 0,
      body_sha256: null,
      app_id: null,
      foreign: false,
      outcome: 'in_flight',
      status: null,
      errcode: null,
      fault: null,
      forced: false,
      token_tag: null,
      issued: null,
    };
    this.entries.set(entry.seq, entry);
    this.dropOldest(this.settings.current.journal_limit);
    this.changed();
    return entry;
  }

  /** What became known of a call that is under way, or that outlives its caller. */
  record(entry: JournalEntry, facts: Facts): void {
    Object.assign(entry, facts);
    this.changed();
  }

  /** The first end counts: a connection that closes after its answer changes nothing. */
  end(entry: JournalEntry, end: End): void {
    if (entry.outcome === 'in_flight') {
      this.order += 1;
      this.record(entry, { ...end, ended_at: this.now(), end_order: this.order });
    }
  }

  /** Oldest first. */
  find(filter: JournalFilter): JournalEntry[] {
    return [...this.entries.values()].filter((entry) => fits(entry, filter));
  }

  /** The same, but not before so many fit or the time is over. */
  async findAtLeast(
    wanted: number,
    filter: JournalFilter,
    waitMs: number,
  ): Promise<JournalEntry[]> {
    const end = AbortSignal.timeout(waitMs);
    let found = this.find(filter);
    while (found.length < wanted && !end.aborted) {
      await once(this.changes, 'change', { signal: end }).catch(() => undefined);
      found = this.find(filter);
    }
    return found;
  }

  clear(): void {
    this.dropOldest(0);
  }

  private dropOldest(limit: number): void {
    for (const seq of this.entries.keys()) {
      if (this.entries.size <= limit) {
        return;
      }
      this.entries.delete(seq);
      this.droppedCount += 1;
    }
  }

  /** Those who wait for calls look again. */
  private changed(): void {
    this.changes.emit('change');
  }

  private now(): string {
    return new Date(this.clock.nowMs()).toISOString();
  }
}

function fits(entry: JournalEntry, filter: JournalFilter): boolean {
  const equals = (wanted: unknown, actual: unknown): boolean =>
    wanted === undefined || wanted === actual;
  return (
    entry.seq > (filter.since ?? 0) &&
    equals(filter.path, entry.path) &&
    equals(filter.app_id, entry.app_id) &&
    equals(filter.errcode, entry.errcode) &&
    equals(filter.outcome, entry.outcome) &&
    equals(filter.minted, entry.issued?.minted ?? false) &&
    equals(filter.foreign, entry.foreign) &&
    (filter.tag === undefined || [entry.token_tag, entry.issued?.tag].includes(filter.tag))
  );
}
