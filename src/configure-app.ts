import type {
  DynamicModule,
  ExceptionFilter,
  LoggerService,
  NestApplicationOptions,
  Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  errorCodes,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { AppConfig } from './config/app-config.js';
import type { ErrorAnswer } from './errors/error-answer.js';
import { ProblemFilter } from './errors/problem.filter.js';
import { RouteTable } from './errors/route-table.js';
import { requestIdOf, wantsRequestId } from './observability/request-id.js';
import { serveOpenApi } from './openapi.js';
import { DropInFilter } from './wechat/drop-in/drop-in.filter.js';
import { isDropInUrl } from './wechat/drop-in/drop-in.path.js';

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
const REAP_MS = 100;

/**
 * The whole service, ready to `listen`: main and every end-to-end test make it here.
 * @param logger takes the place of Nest's for the whole process
 */
export async function createApp(
  root: DynamicModule | Type,
  config: AppConfig,
  logger: LoggerService,
): Promise<NestFastifyApplication> {
  const options: Pick<NestApplicationOptions, 'logger' | 'abortOnError' | 'bodyParser'> = {
    logger,
    abortOnError: false,
    // Nest would add a parser for forms; what this service reads is JSON.
    bodyParser: false,
  };
  const adapter = createFastifyAdapter(config);
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, options);
  await configureApp(app, config);
  return app;
}

function createFastifyAdapter(config: AppConfig): FastifyAdapter {
  const { http } = config;
  const server = { connectionsCheckingInterval: TIMEOUT_CHECK_MS };
  const tls = http.tls && {
    cert: readFileSync(http.tls.certFile),
    key: readFileSync(http.tls.keyFile),
  };
  return new FastifyAdapter({
    ...(tls ? { https: { ...server, ...tls } } : { http: server }),
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // What still comes in on an open connection while the process drains is answered: it can be.
    return503OnClosing: false,
    trustProxy: http.trustedProxies.length > 0 && [...http.trustedProxies],
    routerOptions: { maxParamLength: PARAMETER_LENGTH },
    genReqId: requestIdOf,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      // The router refused the URL: no hook runs, and no error handler is asked.
      setCommonHeaders(request, reply);
      errorFilter(new ProblemFilter(new RouteTable()), config).answer(error, request, reply);
    },
    clientErrorHandler: (error, socket) => {
      refuseConnection(error, socket);
    },
  });
}

/** Under /cgi-bin errors are in WeChat's words, unless there is no such thing here. */
function errorFilter(
  problems: ProblemFilter,
  { dropInEnabled }: AppConfig,
): ErrorAnswer & ExceptionFilter {
  return dropInEnabled ? new DropInFilter(problems) : problems;
}

async function configureApp(app: NestFastifyApplication, config: AppConfig): Promise<void> {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  const routes = new RouteTable();
  fastify.addHook('onRoute', ({ method, url }) => {
    if (url !== '*') {
      routes.add([method].flat(), url);
    }
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply);
    done();
  });
  const isDropIn = (url: string): boolean => config.dropInEnabled && isDropInUrl(url);
  readBodies(fastify, isDropIn);
  answerOptions(fastify, routes, isDropIn);
  closeConnectionsAsTheyFallIdle(fastify);
  const problems = new ProblemFilter(routes);
  app.useGlobalFilters(errorFilter(problems, config));
  await serveOpenApi(app, problems);
}

function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-content-type-options', 'nosniff');
  if (wantsRequestId(request)) {
    reply.header('x-request-id', request.id);
  }
}

/**
 * JSON, and nothing else; but where WeChat's words are spoken a body is handed on as it came, since WeChat
 * does not look at its Content-Type. Some clients send "Content-Type: application/json" with every POST:
 * without a body there is none.
 */
function readBodies(fastify: FastifyInstance, isDropIn: (url: string) => boolean): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    if (isDropIn(request.url)) {
      done(null, body);
      return;
    }
    done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE());
  });
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (isDropIn(request.url)) {
      done(null, body);
      return;
    }
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    void parse(request, body.toString(), done);
  });
}

/** RFC 9110, 9.3.7: what a path knows. No CORS headers: keys do not belong in a browser. */
function answerOptions(
  fastify: FastifyInstance,
  routes: RouteTable,
  isDropIn: (url: string) => boolean,
): void {
  fastify.options('*', (request, reply) => {
    const allow = isDropIn(request.url)
      ? []
      : routes.methodsFor(request.url.split('?', 1)[0] ?? '');
    if (allow.length === 0) {
      reply.callNotFound();
      return;
    }
    void reply.code(204).header('allow', allow.join(', ')).send();
  });
}

/**
 * Node closes the connections that are idle at the moment when the server closes, but not those that
 * become idle when their last request is answered: they would hold the shutdown up for a keep-alive.
 */
function closeConnectionsAsTheyFallIdle(fastify: FastifyInstance): void {
  const { server } = fastify;
  fastify.addHook('preClose', (done) => {
    if (server.listening) {
      const reaper = setInterval(() => {
        server.closeIdleConnections();
      }, REAP_MS);
      server.once('close', () => {
        clearInterval(reaper);
      });
    }
    done();
  });
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
