import { Controller, Get, HttpCode, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ClientGuard } from '../../access/client.guard.js';
import { clientOf } from '../../access/current-client.decorator.js';
import { RequireScope } from '../../access/require-scope.decorator.js';
import { originOf } from '../../audit/origin.js';
import { ReadCounter } from '../../audit/read-counter.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { ApiProblems } from '../../errors/api-problems.decorator.js';
import { ValidBody, ValidQuery } from '../../errors/validation.decorator.js';
import type { CredentialSlot } from '../credentials/credential-slot.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import {
  AccessTokenAnswer,
  readWaitMs,
  ReportAnswerBody,
  ReportBody,
  WaitQuery,
} from './access-token.dto.js';
import { isUnchanged, remainingLife } from './conditional-read.js';
import { TokenReportService } from './token-report.service.js';
import { TokenService } from './token.service.js';

const REPORT_WAIT_SECONDS = 20;

interface ReadRequest extends FastifyRequest {
  params: { app_id: string };
  query: { wait?: unknown };
}

/** Hands the token out, and takes reports of dead ones. */
@ApiTags('access token')
@ApiParam({ name: 'app_id', example: 'wx0123456789abcdef' })
@ApiQuery({
  name: 'wait',
  required: false,
  description: 'Seconds to wait for a refresh, 0 to 60.',
  schema: { type: 'number', minimum: 0, maximum: 60 },
})
@Controller('v1/accounts/:app_id/access-token')
@UseGuards(ClientGuard)
export class AccessTokenController {
  constructor(
    private readonly tokens: TokenService,
    private readonly reports: TokenReportService,
    private readonly counter: ReadCounter,
    private readonly clock: DatabaseClock,
  ) {}

  /** The hot path: no pipe, no interceptor, no promise while a token is in memory. */
  @Get()
  @RequireScope('token:read')
  @ApiOperation({ summary: 'The token that is live now' })
  @ApiOkResponse({ standardSchema: AccessTokenAnswer })
  @ApiResponse({ status: 304, description: 'If-None-Match names the current version.' })
  @ApiProblems('validation_failed', 'token_unavailable', 'database_unavailable')
  read(
    @Req() request: ReadRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): AccessTokenAnswer | undefined | Promise<AccessTokenAnswer | undefined> {
    const slot = this.tokens.slot(request.params.app_id);
    const waitMs = readWaitMs(request.query.wait);
    const snapshot = this.tokens.current(slot);
    return snapshot === undefined
      ? this.tokens.read(slot, waitMs).then((later) => this.send(later, slot, request, reply))
      : this.send(snapshot, slot, request, reply);
  }

  @Post('report')
  @HttpCode(200)
  @RequireScope('token:report')
  @ApiOperation({ summary: 'Tell that WeChat refused a token; get the one to use now' })
  @ApiOkResponse({ standardSchema: ReportAnswerBody })
  @ApiProblems('validation_failed', 'token_unavailable', 'database_unavailable')
  async report(
    @Req() request: FastifyRequest,
    @Param('app_id') appId: string,
    @ValidBody(ReportBody) body: z.infer<typeof ReportBody>,
    @ValidQuery(WaitQuery) { wait }: z.infer<typeof WaitQuery>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof ReportAnswerBody>> {
    const slot = this.tokens.slot(appId);
    const { outcome, snapshot } = await this.reports.report(
      slot,
      {
        accessToken: body.access_token,
        version: body.version,
        origin: originOf(request, clientOf(request).id),
      },
      (wait ?? REPORT_WAIT_SECONDS) * 1_000,
    );
    void reply.header('cache-control', 'no-store').header('etag', snapshot.etag);
    return { outcome, ...this.answer(snapshot, slot) };
  }

  private send(
    snapshot: CredentialSnapshot,
    slot: CredentialSlot,
    request: FastifyRequest,
    reply: FastifyReply,
  ): AccessTokenAnswer | undefined {
    this.counter.count(clientOf(request), snapshot);
    return isUnchanged(snapshot, request, reply) ? undefined : this.answer(snapshot, slot);
  }

  private answer(snapshot: CredentialSnapshot, slot: CredentialSlot): AccessTokenAnswer {
    return {
      app_id: snapshot.appId,
      access_token: snapshot.value,
      ...remainingLife(snapshot, this.tokens.trustLeftMs(slot), this.clock.nowMs()),
    };
  }
}
