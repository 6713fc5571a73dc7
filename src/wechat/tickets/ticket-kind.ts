import type { Account } from '../accounts/account.js';
import type { CredentialKind, FetchedValue, ProbeVerdict } from '../credentials/credential-kind.js';
import type { CredentialPolicy } from '../credentials/credential.policy.js';
import type { TicketClient } from './ticket.client.js';
import type { TicketDemandService } from './ticket-demand.service.js';
import type { TicketType } from './ticket-type.js';
import { TICKET_POLICY } from './ticket.policy.js';

/** Tickets of one type as a kind of credential: fetched at first need, kept while somebody asks. */
export class TicketKind implements CredentialKind {
  readonly name: string;
  readonly fetchedAhead = false;

  constructor(
    readonly type: TicketType,
    private readonly client: TicketClient,
    private readonly demand: TicketDemandService,
  ) {
    this.name = `${type}_ticket`;
  }

  policyFor(): CredentialPolicy {
    return TICKET_POLICY;
  }

  mayFetch({ appId }: Account): boolean {
    return this.demand.isWanted(appId, this.type) && this.client.hasToken(appId);
  }

  fetch({ appId }: Account): Promise<FetchedValue> {
    return this.client.fetch(appId, this.type);
  }

  /** WeChat has no call that takes a ticket: pages alone find out whether one is good. */
  probe(): Promise<ProbeVerdict> {
    return Promise.resolve('unknown');
  }

  forget(appId: string): Promise<void> {
    return this.demand.forget(appId, this.type);
  }
}
