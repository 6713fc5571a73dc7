import type { DynamicModule, LoggerService, NestApplicationOptions, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  errorCodes,
  type FastifyInstance,
  type FastifyRequest,
  type preParsingHookHandler,
} from 'fastify';
import { AccessMetrics } from './access/access.metrics.js';
import type { AppConfig } from './config/app-config.js';
import { AppError } from './errors/app-error.js';
import { ProblemFilter } from './errors/problem.filter.js';
import { RouteTable } from './errors/route-table.js';
import { RequestObserver } from './observability/request-observer.js';
import { serveOpenApi } from './openapi.js';
import { countErrors, errorFilter, serverOptions, setCommonHeaders } from './server-options.js';
import { ServerFactory } from './server-factory.js';
import { isDropInUrl } from './wechat/drop-in/drop-in.path.js';

const REAP_MS = 100;
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * The whole service, ready to `listen`: main and every end-to-end test make it here.
 * @param logger takes the place of Nest's for the whole process
 */
export async function createApp(
  root: DynamicModule | Type,
  config: AppConfig,
  logger: LoggerService,
  servers = new ServerFactory(config.http),
): Promise<NestFastifyApplication> {
  const options: Pick<NestApplicationOptions, 'logger' | 'abortOnError' | 'bodyParser'> = {
    logger,
    abortOnError: false,
    // Nest would add a parser for forms; what this service reads is JSON.
    bodyParser: false,
  };
  const adapter = new FastifyAdapter({ ...serverOptions(config), serverFactory: servers.create });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, options);
  await configureApp(app, config);
  return app;
}

async function configureApp(app: NestFastifyApplication, config: AppConfig): Promise<void> {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  const routes = new RouteTable();
  fastify.addHook('onRoute', ({ method, url }) => {
    if (url !== '*') {
      routes.add([method].flat(), url);
    }
  });
  const observer = app.get(RequestObserver);
  observer.install(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply);
    done();
  });
  const isDropIn = (url: string): boolean => config.dropInEnabled && isDropInUrl(url);
  refuseEncodedBodies(fastify, isDropIn);
  readBodies(fastify, isDropIn);
  answerOptions(fastify, routes, isDropIn);
  closeConnectionsAsTheyFallIdle(fastify);
  const onAnswer = countErrors(app.get(AccessMetrics), observer);
  const problems = new ProblemFilter(routes, onAnswer);
  app.useGlobalFilters(errorFilter(problems, config, onAnswer));
  await serveOpenApi(app, problems);
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

/**
 * RFC 9110, 15.5.16: nothing is unpacked here, and Accept-Encoding of the answer says so. Before the body is
 * read, which as text has another length than was announced. Routes without a body pay nothing for it.
 */
function refuseEncodedBodies(fastify: FastifyInstance, isDropIn: (url: string) => boolean): void {
  const refuse: preParsingHookHandler = (request, reply, _payload, done) => {
    const { 'content-encoding': encoding = '' } = request.headers;
    if (/^(?:identity)?$/i.test(encoding) || !hasBody(request) || isDropIn(request.url)) {
      done();
      return;
    }
    reply.header('accept-encoding', 'identity');
    done(
      new AppError('unsupported_media_type', 'Send the body as it is, without Content-Encoding.'),
    );
  };
  fastify.addHook('onRoute', (route) => {
    if ([route.method].flat().some((method) => WITH_BODY.has(method))) {
      route.preParsing = [refuse, ...[route.preParsing ?? []].flat()];
    }
  });
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
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
