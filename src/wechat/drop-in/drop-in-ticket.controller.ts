import { Controller, Get, Header, Query } from '@nestjs/common';
import {
  ApiDefaultResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import type { z } from 'zod';
import { DropInAccess } from '../../access/drop-in-access.decorator.js';
import { ReadCounter, TOKEN_HOLDER } from '../../audit/read-counter.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { TICKET_TYPES } from '../tickets/ticket-type.js';
import { TicketService } from '../tickets/ticket.service.js';
import { DROP_IN_WAIT_MS } from './drop-in-token.service.js';
import { DropInProblem, DropInTicketAnswer } from './drop-in.dto.js';
import { DropInError } from './drop-in.errors.js';
import { parameter } from './drop-in.grant.js';
import { HeldToken } from './drop-in.request.js';
import { HeldTokenGuard } from './held-token.guard.js';

/** The tickets that the service keeps alive, for SDKs that sign by themselves. */
@ApiTags('drop-in')
@ApiSecurity('wechat_access_token', ['access_token'])
@ApiDefaultResponse({
  description: 'An error, with HTTP 200 as at WeChat',
  standardSchema: DropInProblem,
})
@Controller('cgi-bin/ticket')
export class DropInTicketController {
  constructor(
    private readonly tickets: TicketService,
    private readonly reads: ReadCounter,
    private readonly clock: DatabaseClock,
  ) {}

  @Get('getticket')
  @Header('cache-control', 'no-store')
  @DropInAccess(HeldTokenGuard, 'ticket:read')
  @ApiOperation({ summary: 'getTicket of WeChat, for SDKs' })
  @ApiQuery({ name: 'type', enum: TICKET_TYPES })
  @ApiOkResponse({ standardSchema: DropInTicketAnswer })
  async ticket(
    @HeldToken() appId: string,
    @Query() query: object,
  ): Promise<z.infer<typeof DropInTicketAnswer>> {
    const type = TICKET_TYPES.find((name) => name === parameter(query, 'type'));
    if (type === undefined) {
      throw new DropInError(40097, `type must be one of ${TICKET_TYPES.join(', ')}`);
    }
    const snapshot = await this.tickets.read(appId, type, DROP_IN_WAIT_MS);
    this.reads.count(TOKEN_HOLDER, snapshot);
    const leftMs = snapshot.expiresAtMs - this.clock.nowMs();
    return {
      errcode: 0,
      errmsg: 'ok',
      ticket: snapshot.value,
      expires_in: Math.max(1, Math.floor(leftMs / 1_000)),
    };
  }
}
