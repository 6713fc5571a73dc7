import { Injectable } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { TicketDemandRepository, type TicketDemand } from './ticket-demand.repository.js';
import type { TicketType } from './ticket-type.js';

const HOUR_MS = 3_600_000;
/** A ticket that nobody asked for within this time is left to expire. */
const KEPT_MS = 24 * HOUR_MS;
/** How far the database may be behind: a read must not cost a statement. */
const BEHIND_MS = HOUR_MS;

/**
 * Who still wants which ticket. Every replica knows in memory when it was asked itself; the database learns
 * it once an hour at most, for the other replicas and for a restart, which so may be an hour behind.
 */
@Injectable()
export class TicketDemandService {
  private readonly own = new Map<string, TicketDemand>();
  private stored = new Map<string, TicketDemand>();

  constructor(
    private readonly repository: TicketDemandRepository,
    private readonly clock: DatabaseClock,
  ) {}

  /** Somebody asks. No I/O. */
  note(appId: string, type: TicketType): void {
    const askedAtMs = Math.trunc(this.clock.nowMs());
    this.own.set(keyOf({ appId, type }), { appId, type, askedAtMs });
  }

  /** The account was removed. @throws DatabaseError */
  async forget(appId: string, type: TicketType): Promise<void> {
    const key = keyOf({ appId, type });
    this.own.delete(key);
    this.stored.delete(key);
    await this.repository.removeLeftBy(appId, type);
  }

  /** Whether somebody asked within 24 h. */
  isWanted(appId: string, type: TicketType): boolean {
    const key = keyOf({ appId, type });
    const askedAtMs = Math.max(
      this.own.get(key)?.askedAtMs ?? 0,
      this.stored.get(key)?.askedAtMs ?? 0,
    );
    return this.clock.nowMs() - askedAtMs < KEPT_MS;
  }

  /**
   * Tells the database what it does not know yet, and learns what other replicas told it.
   * @returns every ticket that is still wanted
   * @throws DatabaseError
   */
  async exchange(): Promise<TicketDemand[]> {
    const rows = await this.repository.loadAll();
    this.stored = new Map(rows.map((row) => [keyOf(row), row]));
    for (const demand of this.own.values()) {
      const known = this.stored.get(keyOf(demand));
      if (demand.askedAtMs - (known?.askedAtMs ?? 0) >= BEHIND_MS) {
        await this.repository.store(demand);
        this.stored.set(keyOf(demand), demand);
      }
    }
    return [...this.stored.values()].filter(({ appId, type }) => this.isWanted(appId, type));
  }
}

function keyOf({ appId, type }: Pick<TicketDemand, 'appId' | 'type'>): string {
  return `${type} ${appId}`;
}
