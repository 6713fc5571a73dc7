import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RefusalError } from '../../access/refusals.js';
import type { AppError } from '../../errors/app-error.js';
import { logError, type ErrorAnswer, type OnAnswer } from '../../http/error-answer.js';
import { toAppError } from '../../http/to-app-error.js';
import { DropInError, ERRCODE_OF, noSuchAccount, refusalOf } from './drop-in.errors.js';
import { dropInMethod, isDropInUrl } from './drop-in.path.js';

/**
 * Errors on WeChat's paths become what WeChat would answer, HTTP 200 with an errcode, whatever went wrong and
 * whoever found it: a guard, a controller, the router or the parser. All else goes to the service's own filter.
 */
@Catch()
export class DropInFilter implements ExceptionFilter, ErrorAnswer {
  private readonly logger = new Logger(DropInFilter.name);

  constructor(
    private readonly others: ErrorAnswer,
    private readonly onAnswer: OnAnswer,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (!isDropInUrl(request.raw.url ?? '')) {
      this.others.answer(thrown, request, reply);
      return;
    }
    const error = thrown instanceof DropInError ? thrown : toAppError(thrown);
    const { errcode, message } = this.explain(error, request);
    if (reply.sent || reply.raw.headersSent) {
      // An answer that broke off half-way must not look complete.
      reply.raw.destroy();
      return;
    }
    reply.removeHeader('content-length');
    reply.header('cache-control', 'no-store');
    // The words, then WeChat's own ending: by this id the log has more.
    const body = { errcode, errmsg: `${message} rid: ${request.id}` };
    this.onAnswer(error, request, reply, 200);
    void reply.code(200).type('application/json; charset=utf-8').send(JSON.stringify(body));
  }

  private explain(error: AppError | DropInError, request: FastifyRequest): DropInError {
    if (error instanceof DropInError) {
      return error;
    }
    const errcode = ERRCODE_OF[error.code];
    if (errcode === 40066) {
      return notHere(request);
    }
    const errorId = logError(this.logger, error, request);
    if (error instanceof RefusalError && error.code !== 'rate_limited') {
      return refusalOf(error);
    }
    if (error.code === 'forbidden') {
      return noSuchAccount();
    }
    const about = errorId === undefined ? '' : ` error_id: ${errorId}`;
    const places = error.errors?.map(({ path, message }) => `${path} ${message}`).join(', ');
    return new DropInError(errcode, `${places ?? error.message}${about}`);
  }
}

/** No route took it: a path that there is not, or the wrong method. */
function notHere({ raw, method }: FastifyRequest): DropInError {
  const wanted = dropInMethod(raw.url ?? '');
  if (wanted === undefined || wanted === method) {
    return new DropInError(
      40066,
      'this service has no such path. To call WeChat through it, show a handle in access_token (docs/gateway.md)',
    );
  }
  return new DropInError(wanted === 'GET' ? 43001 : 43002);
}
