import {
  Catch,
  Logger,
  NotFoundException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type ErrorCode } from '../errors/app-error.js';
import { logError, type ErrorAnswer, type OnAnswer } from './error-answer.js';
import { ERROR_STATUS, problemType } from './error-status.js';
import type { ProblemBody } from './problem.dto.js';
import type { RouteTable } from './route-table.js';
import { noSuchPath, toAppError } from './to-app-error.js';

const REALM = 'Bearer realm="wechat-token-center"';

/** Where an error becomes problem+json, and, from 500 on, one line of the log. */
@Catch()
export class ProblemFilter implements ExceptionFilter, ErrorAnswer {
  private readonly logger = new Logger(ProblemFilter.name);

  constructor(
    private readonly routes: RouteTable,
    private readonly onAnswer: OnAnswer,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = thrown instanceof NotFoundException ? this.unrouted(request) : toAppError(thrown);
    const { status } = ERROR_STATUS[error.code];
    const errorId = logError(this.logger, error, request);
    if (reply.sent || reply.raw.headersSent) {
      // An answer that broke off half-way must not look complete.
      reply.raw.destroy();
      return;
    }
    setHeaders(reply, error, request);
    this.onAnswer(error, request, reply, status);
    // As bytes: to text Fastify would add a charset, which JSON has none of (RFC 8259, 11).
    void reply.code(status).send(Buffer.from(JSON.stringify(problemOf(error, errorId))));
  }

  private unrouted(request: FastifyRequest): AppError {
    const path = request.raw.url?.split('?', 1)[0] ?? '';
    const allow = this.routes.methodsFor(path);
    if (allow.length === 0 || allow.includes(request.method)) {
      return noSuchPath();
    }
    return new AppError('method_not_allowed', `This path knows ${allow.join(', ')} only.`, {
      allow,
    });
  }
}

function problemOf(error: AppError, errorId: string | undefined): ProblemBody {
  const { code, errors, upstream, sent } = error;
  const { status, title } = ERROR_STATUS[code];
  return {
    type: problemType(code),
    title,
    status,
    detail: error.message,
    code,
    ...(errors && { errors }),
    ...(upstream && { upstream }),
    ...(sent !== undefined && { sent }),
    ...(errorId !== undefined && { error_id: errorId }),
  };
}

function setHeaders(reply: FastifyReply, error: AppError, request: FastifyRequest): void {
  reply.removeHeader('content-length');
  reply.header('content-type', 'application/problem+json');
  reply.header('cache-control', 'no-store');
  if (error.retryAfterSeconds !== undefined) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfterSeconds))));
  }
  if (error.allow) {
    reply.header('allow', error.allow.join(', '));
  }
  const challenge = challengeFor(error.code, request);
  if (challenge !== undefined) {
    reply.header('www-authenticate', challenge);
  }
}

/** RFC 6750, section 3: no error code where the request carried no key at all. */
function challengeFor(code: ErrorCode, request: FastifyRequest): string | undefined {
  if (code === 'forbidden') {
    return `${REALM}, error="insufficient_scope"`;
  }
  if (code !== 'unauthenticated') {
    return undefined;
  }
  const { authorization, 'x-api-key': apiKey } = request.headers;
  const presented = authorization !== undefined || apiKey !== undefined;
  return presented ? `${REALM}, error="invalid_token"` : REALM;
}
