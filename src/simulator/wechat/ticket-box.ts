import { newTicketText } from './credential-text.js';
import type { SimulatedClock } from '../simulated-clock.js';

export const TICKET_TYPES = ['jsapi', 'wx_card'] as const;

export type TicketType = (typeof TICKET_TYPES)[number];

export interface Ticket {
  readonly text: string;
  readonly expiresAtMs: number;
}

/** One account's tickets: in its window, a type's ticket stays the same. */
export class TicketBox {
  private readonly tickets = new Map<TicketType, Ticket>();

  constructor(private readonly clock: SimulatedClock) {}

  current(type: TicketType, lifetimeMs: number): Ticket {
    const nowMs = this.clock.nowMs();
    const known = this.tickets.get(type);
    if (known !== undefined && nowMs < known.expiresAtMs) {
      return known;
    }
    const ticket = { text: newTicketText(), expiresAtMs: nowMs + lifetimeMs };
    this.tickets.set(type, ticket);
    return ticket;
  }

  all(): [TicketType, Ticket][] {
    return [...this.tickets];
  }
}
