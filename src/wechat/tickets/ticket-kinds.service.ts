import { Injectable } from '@nestjs/common';
import type { Credential } from '../credentials/credential.js';
import { CredentialStore } from '../credentials/credential-store.js';
import { TicketClient } from './ticket.client.js';
import { TicketDemandService } from './ticket-demand.service.js';
import { TicketKind } from './ticket-kind.js';
import type { TicketType } from './ticket-type.js';

/** Names the tickets to the engine, and finds the slot of one. */
@Injectable()
export class TicketKindsService {
  private readonly kinds: Readonly<Record<TicketType, TicketKind>>;

  constructor(
    private readonly store: CredentialStore,
    client: TicketClient,
    private readonly demand: TicketDemandService,
  ) {
    this.kinds = {
      jsapi: new TicketKind('jsapi', client, demand),
      wx_card: new TicketKind('wx_card', client, demand),
    };
    this.store.register(this.kinds.jsapi);
    this.store.register(this.kinds.wx_card);
  }

  /**
   * Somebody needs the ticket: from now on it is kept alive. No I/O.
   * @returns its slot, if this process has one already
   */
  need(appId: string, type: TicketType): Credential | undefined {
    this.demand.note(appId, type);
    return this.store.find(appId, this.kinds[type].name);
  }

  /**
   * The slot, made at first need.
   * @returns undefined where there is no such account
   * @throws DatabaseError at first need
   */
  open(appId: string, type: TicketType): Promise<Credential | undefined> {
    return this.store.open(appId, this.kinds[type]);
  }
}
