import type { ExceptionFilter } from '@nestjs/common';
import type {
  FastifyError,
  FastifyReply,
  FastifyRequest,
  FastifyServerOptions,
  RawRequestDefaultExpression,
} from 'fastify';
import type { AccessMetrics } from '../access/access.metrics.js';
import type { AppConfig } from '../config/app-config.js';
import type { ErrorAnswer, OnAnswer } from '../http/error-answer.js';
import { ProblemFilter } from '../http/problem.filter.js';
import { RouteTable } from '../http/route-table.js';
import { REQUEST_ID_HEADER, requestIdOf } from '../http/request-id.js';
import type { RequestObserver } from '../http/request-observer.js';
import { trustOnly } from '../http/source-address.js';
import { DropInFilter } from '../wechat/drop-in/drop-in.filter.js';
import { withoutExtraSlashes } from '../wechat/drop-in/drop-in.path.js';
import { refuseConnection } from './server-factory.js';

const BODY_LIMIT_BYTES = 16 * 1024;
/** AppIDs have 18 characters and ids 36. */
const PARAMETER_LENGTH = 128;

/** How requests are read and bounded; the same for everything that answers on the port. */
export function serverOptions(config: AppConfig): FastifyServerOptions {
  const { http, keys } = config;
  const secrets = [keys.admin, keys.client].filter((key) => key !== undefined);
  return {
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: 'idle',
    // What still comes in on an open connection while the process drains is answered: it can be.
    return503OnClosing: false,
    trustProxy: http.trustedProxies.length > 0 && trustOnly(http.trustedProxies),
    routerOptions: { maxParamLength: PARAMETER_LENGTH },
    genReqId: (request) => requestIdOf(request, secrets),
    clientErrorHandler: refuseConnection,
    ...(config.dropInEnabled && {
      // `*` is for OPTIONS alone (RFC 9112, 3.2.4); the router would take it for a wildcard of nothing.
      rewriteUrl: ({ url = '' }: RawRequestDefaultExpression) =>
        url === '*' ? '/*' : withoutExtraSlashes(url),
    }),
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      // The router refused the URL: no hook runs, and no error handler is asked.
      setCommonHeaders(request, reply);
      // Nobody knows since when, so it is not measured.
      const ignore = (): void => undefined;
      const problems = new ProblemFilter(new RouteTable(), ignore);
      errorFilter(problems, config, ignore).answer(error, request, reply);
    },
  };
}

/** Under /cgi-bin errors are in WeChat's words, unless there is no such thing here. */
export function errorFilter(
  problems: ProblemFilter,
  { dropInEnabled }: AppConfig,
  onAnswer: OnAnswer,
): ErrorAnswer & ExceptionFilter {
  return dropInEnabled ? new DropInFilter(problems, onAnswer) : problems;
}

/** What is to be known of each error that becomes an answer. */
export function countErrors(refusals: AccessMetrics, observer: RequestObserver): OnAnswer {
  return (error, request, reply, status) => {
    refusals.count(error);
    observer.refused(request, reply, status);
  };
}

/** What every answer carries. */
export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-content-type-options', 'nosniff');
  // Tokens, keys and what operators see are kept by no cache.
  if (request.url.startsWith('/v1/')) {
    reply.header('cache-control', 'no-store');
  }
  reply.header(REQUEST_ID_HEADER, request.id);
}
