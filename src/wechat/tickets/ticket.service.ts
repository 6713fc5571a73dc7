import { Injectable } from '@nestjs/common';
import { CredentialService } from '../credentials/credential.service.js';
import { TicketDemandService } from './ticket-demand.service.js';
import { accountRefused } from '../../access/refusals.js';
import { TokenService } from '../access-token/token.service.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import { TicketKindsService } from './ticket-kinds.service.js';
import type { TicketType } from './ticket-type.js';

/**
 * Tickets for everybody in this process. Keeping them alive is the engine's work (../credentials); here
 * is what is theirs alone: they begin at first need, and an access_token is needed to fetch one.
 *
 *   unknown ──first need──▶ kept alive ──nobody asked for 24 h──▶ left to expire ──next need──▶ kept alive
 *
 * A ticket outlives the access_token that it was fetched with, so it is served while there is none.
 */
@Injectable()
export class TicketService {
  constructor(
    private readonly tokens: TokenService,
    private readonly kinds: TicketKindsService,
    private readonly demand: TicketDemandService,
    private readonly credentials: CredentialService,
  ) {}

  /**
   * What may be handed out at this moment, if anything; `read` gets what is not there. No promise, no I/O.
   * @throws AppError `forbidden` for an account that there is not, `database_unavailable` before the
   *   accounts are loaded
   */
  current(appId: string, type: TicketType): CredentialSnapshot | undefined {
    this.tokens.requireForClient(appId);
    this.demand.note(appId, type);
    return this.credentials.current(appId, this.kinds.nameOf(type));
  }

  /**
   * The ticket, at once or after it was fetched.
   * @param waitMs bounds the wait for the access_token and for the ticket together
   * @throws AppError like `current`; `token_unavailable` with the reason why there is no ticket, which
   *   may be that there is no access_token; DatabaseError at first need
   */
  async read(appId: string, type: TicketType, waitMs: number): Promise<CredentialSnapshot> {
    const snapshot = this.current(appId, type);
    if (snapshot !== undefined) {
      return snapshot;
    }
    // The real time, not the Clock's: who waits does so in real time.
    const deadlineMs = performance.now() + waitMs;
    await this.tokens.read(appId, waitMs);
    if (!(await this.kinds.open(appId, type))) {
      throw accountRefused();
    }
    const kind = this.kinds.nameOf(type);
    this.credentials.refreshIfDue(appId, kind);
    return this.credentials.read(appId, kind, Math.max(0, deadlineMs - performance.now()));
  }
}
