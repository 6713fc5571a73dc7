import { Controller, Get, Req, Res, UseGuards } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClientGuard } from '../../access/client.guard.js';
import { clientOf } from '../../access/current-client.decorator.js';
import { RequireScope } from '../../access/require-scope.decorator.js';
import { ReadCounter } from '../../audit/read-counter.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { AppError } from '../../errors/app-error.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { readWaitMs } from '../access-token/access-token.dto.js';
import { isUnchanged, remainingLife } from '../access-token/conditional-read.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import { TicketAnswer } from './ticket.dto.js';
import { TicketService } from './ticket.service.js';
import { TICKET_TYPES, type TicketType } from './ticket-type.js';

interface ReadRequest extends FastifyRequest {
  params: { app_id: string; type: string };
  query: { wait?: unknown };
}

/** Hands tickets out: for pages that use the JS-SDK, and for cards and coupons. */
@ApiTags('tickets')
@Controller('v1/accounts/:app_id/tickets/:type')
@UseGuards(ClientGuard)
export class TicketController {
  constructor(
    private readonly tickets: TicketService,
    private readonly counter: ReadCounter,
    private readonly clock: DatabaseClock,
  ) {}

  /** No pipe, no interceptor, no promise while a ticket is in memory: as the token's read. */
  @Get()
  @RequireScope('ticket:read')
  @ApiOperation({ summary: 'The ticket that is live now; fetched at first need' })
  @ApiParam({ name: 'app_id', example: 'wx0123456789abcdef' })
  @ApiParam({ name: 'type', enum: TICKET_TYPES })
  @ApiQuery({
    name: 'wait',
    required: false,
    description: 'Seconds to wait for a fetch, 0 to 60.',
    schema: { type: 'number', minimum: 0, maximum: 60 },
  })
  @ApiOkResponse({ standardSchema: TicketAnswer })
  @ApiResponse({ status: 304, description: 'If-None-Match names the current version.' })
  @ApiProblems('validation_failed', 'not_found', 'token_unavailable', 'database_unavailable')
  read(
    @Req() request: ReadRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): TicketAnswer | undefined | Promise<TicketAnswer | undefined> {
    const appId = request.params.app_id;
    const type = ticketType(request.params.type);
    const waitMs = readWaitMs(request.query.wait);
    const send = (snapshot: CredentialSnapshot): TicketAnswer | undefined => {
      this.counter.count(clientOf(request), snapshot);
      return isUnchanged(snapshot, request, reply) ? undefined : this.answer(snapshot, type);
    };
    const snapshot = this.tickets.current(appId, type);
    return snapshot === undefined
      ? this.tickets.read(appId, type, waitMs).then(send)
      : send(snapshot);
  }

  private answer(snapshot: CredentialSnapshot, type: TicketType): TicketAnswer {
    return {
      app_id: snapshot.appId,
      type,
      ticket: snapshot.value,
      // A later fetch ends no ticket, so it may be kept however long its row was not read.
      ...remainingLife(snapshot, Infinity, this.clock.nowMs()),
    };
  }
}

/** @throws AppError `not_found`: each type is a path of its own */
function ticketType(type: string): TicketType {
  const known = TICKET_TYPES.find((name) => name === type);
  if (known === undefined) {
    throw new AppError(
      'not_found',
      `There is no such ticket. Ask for one of: ${TICKET_TYPES.join(', ')}.`,
    );
  }
  return known;
}
