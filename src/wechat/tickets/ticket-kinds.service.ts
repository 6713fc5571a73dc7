import { Injectable } from '@nestjs/common';
import { CredentialService } from '../credentials/credential.service.js';
import { TicketClient } from './ticket.client.js';
import { TicketDemandService } from './ticket-demand.service.js';
import { TicketKind } from './ticket-kind.js';
import type { TicketType } from './ticket-type.js';

/** Names the tickets to the engine. */
@Injectable()
export class TicketKindsService {
  private readonly kinds: Readonly<Record<TicketType, TicketKind>>;

  constructor(
    private readonly credentials: CredentialService,
    client: TicketClient,
    demand: TicketDemandService,
  ) {
    this.kinds = {
      jsapi: new TicketKind('jsapi', client, demand),
      wx_card: new TicketKind('wx_card', client, demand),
    };
    this.credentials.register(this.kinds.jsapi);
    this.credentials.register(this.kinds.wx_card);
  }

  nameOf(type: TicketType): string {
    return this.kinds[type].name;
  }

  /**
   * Makes the ticket's credential at first need.
   * @returns false where there is no such account
   * @throws DatabaseError
   */
  open(appId: string, type: TicketType): Promise<boolean> {
    return this.credentials.open(appId, this.kinds[type]);
  }
}
