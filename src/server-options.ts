import type { ExceptionFilter } from '@nestjs/common';
import type {
  FastifyError,
  FastifyHttpsOptions,
  FastifyReply,
  FastifyRequest,
  FastifyServerOptions,
  RawRequestDefaultExpression,
} from 'fastify';
import { readFileSync } from 'node:fs';
import type { ServerOptions } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { AccessMetrics } from './access/access.metrics.js';
import type { AppConfig } from './config/app-config.js';
import { ConfigError } from './config/config.error.js';
import type { ErrorAnswer, OnAnswer } from './errors/error-answer.js';
import { ProblemFilter } from './errors/problem.filter.js';
import { RouteTable } from './errors/route-table.js';
import { REQUEST_ID_HEADER, requestIdOf, wantsRequestId } from './observability/request-id.js';
import type { RequestObserver } from './observability/request-observer.js';
import { trustOnly } from './observability/source-address.js';
import { DropInFilter } from './wechat/drop-in/drop-in.filter.js';
import { withoutExtraSlashes } from './wechat/drop-in/drop-in.path.js';

const BODY_LIMIT_BYTES = 16 * 1024;
/** Headers and body must have come by then. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How long a connection may be silent. A reader may wait 60 s for an answer, so it is longer than that. */
const CONNECTION_TIMEOUT_MS = 75_000;
/** Longer than the usual 60 s of a load balancer, which would else reuse a connection that just closed. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often Node looks for requests that have been coming in for too long. */
const TIMEOUT_CHECK_MS = 5_000;
/** AppIDs have 18 characters and ids 36. */
const PARAMETER_LENGTH = 128;

/** How requests are read and bounded; the same for everything that answers on the port. */
export function serverOptions(config: AppConfig): FastifyServerOptions {
  const { http } = config;
  return {
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // What still comes in on an open connection while the process drains is answered: it can be.
    return503OnClosing: false,
    trustProxy: http.trustedProxies.length > 0 && trustOnly(http.trustedProxies),
    routerOptions: { maxParamLength: PARAMETER_LENGTH },
    genReqId: requestIdOf,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      // The router refused the URL: no hook runs, and no error handler is asked.
      setCommonHeaders(request, reply);
      // Nobody knows since when, so it is not measured.
      const ignore = (): void => undefined;
      const problems = new ProblemFilter(new RouteTable(), ignore);
      errorFilter(problems, config, ignore).answer(error, request, reply);
    },
    clientErrorHandler: (error, socket) => {
      refuseConnection(error, socket);
    },
  };
}

/** For the router of all paths; the one of the token's read has no use for it, and every read would pay. */
export function urlOptions({
  dropInEnabled,
}: AppConfig): Required<Pick<FastifyServerOptions, 'rewriteUrl'>> | undefined {
  return dropInEnabled
    ? { rewriteUrl: ({ url = '' }: RawRequestDefaultExpression) => withoutExtraSlashes(url) }
    : undefined;
}

/** Plain HTTP, or HTTPS where the configuration names a certificate. */
export function transportOptions({
  http,
}: Pick<AppConfig, 'http'>):
  { http: ServerOptions } | { https: NonNullable<FastifyHttpsOptions<SecureServer>['https']> } {
  const server = { connectionsCheckingInterval: TIMEOUT_CHECK_MS };
  return http.tls === undefined
    ? { http: server }
    : { https: { ...server, ...readCertificate(http.tls) } };
}

/** @throws ConfigError when the two files are no certificate with its key */
function readCertificate({ certFile, keyFile }: { certFile: string; keyFile: string }): {
  cert: Buffer;
  key: Buffer;
} {
  const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  try {
    createSecureContext(pair);
  } catch (error) {
    const code = error instanceof Object && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError([
      `TLS_CERT_FILE: is no certificate (chain) in PEM, or TLS_KEY_FILE is not its key (${code}). Give the two files that belong together.`,
    ]);
  }
  return pair;
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
  if (wantsRequestId(request)) {
    reply.header(REQUEST_ID_HEADER, request.id);
  }
}

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What is no HTTP request gets a bare status: there is no request to answer. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) {
    return;
  }
  if (!socket.writable) {
    socket.destroy(error);
    return;
  }
  const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request';
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\n\r\n`,
  );
}
