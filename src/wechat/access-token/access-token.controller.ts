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
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { ValidBody, ValidQuery } from '../../http/validation.decorator.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import {
  AccessTokenAnswer,
  readWaitMs,
  ReportAnswerBody,
  ReportBody,
  WaitQuery,
} from './access-token.dto.js';
import { isUnchanged, remainingLife, type RemainingLife } from './conditional-read.js';
import { tokenAnswer, tokenText } from './token-answer.js';
import { TokenReportService } from './token-report.service.js';
import { TokenService } from './token.service.js';

/** As Nest takes it; server/read-listener.ts answers the same path. */
export const READ_PATH = 'v1/accounts/:app_id/access-token';
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
@Controller(READ_PATH)
@UseGuards(ClientGuard)
export class AccessTokenController {
  constructor(
    private readonly tokens: TokenService,
    private readonly reports: TokenReportService,
    private readonly counter: ReadCounter,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * What a read means. The plain ones are answered by server/read-listener.ts before they come here, with the same
   * answer; so no promise while a token is in memory, and the answer as text (token-answer.ts).
   */
  @Get()
  @RequireScope('token:read')
  @ApiOperation({ summary: 'The token that is live now' })
  @ApiOkResponse({ standardSchema: AccessTokenAnswer })
  @ApiResponse({ status: 304, description: 'If-None-Match names the current version.' })
  @ApiProblems('validation_failed', 'token_unavailable', 'database_unavailable')
  read(
    @Req() request: ReadRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): string | undefined | Promise<string | undefined> {
    const { app_id: appId } = request.params;
    this.tokens.requireForClient(appId);
    const waitMs = readWaitMs(request.query.wait);
    const nowMs = this.clock.nowMs();
    const snapshot = this.tokens.current(appId, nowMs);
    return snapshot === undefined
      ? this.tokens
          .read(appId, waitMs)
          .then((later) => this.send(later, { request, reply, nowMs: this.clock.nowMs() }))
      : this.send(snapshot, { request, reply, nowMs });
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
    this.tokens.requireForClient(appId);
    const { outcome, snapshot } = await this.reports.report(
      appId,
      {
        accessToken: body.access_token,
        version: body.version,
        errcode: body.errcode,
        origin: originOf(request, clientOf(request).id),
      },
      (wait ?? REPORT_WAIT_SECONDS) * 1_000,
    );
    void reply.header('etag', snapshot.etag);
    const remaining = this.remaining(snapshot, this.clock.nowMs());
    return { outcome, ...tokenAnswer(snapshot, remaining) };
  }

  private send(
    snapshot: CredentialSnapshot,
    { request, reply, nowMs }: { request: ReadRequest; reply: FastifyReply; nowMs: number },
  ): string | undefined {
    this.counter.count(clientOf(request), snapshot);
    if (isUnchanged(snapshot, request, reply)) {
      return undefined;
    }
    void reply.header('content-type', 'application/json; charset=utf-8');
    return tokenText(snapshot, this.remaining(snapshot, nowMs));
  }

  private remaining(snapshot: CredentialSnapshot, nowMs: number): RemainingLife {
    return remainingLife(snapshot, this.tokens.trustLeftMs(snapshot, nowMs), nowMs);
  }
}
