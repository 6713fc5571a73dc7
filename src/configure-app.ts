import type { DynamicModule, LoggerService, NestApplicationOptions, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  errorCodes,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type preParsingHookHandler,
} from 'fastify';
import { AccessMetrics } from './access/access.metrics.js';
import { KeyAuthentication } from './access/key-authentication.js';
import { presentedKey } from './access/presented-key.js';
import type { AppConfig } from './config/app-config.js';
import { AppError } from './errors/app-error.js';
import { ProblemFilter } from './errors/problem.filter.js';
import { RouteTable } from './errors/route-table.js';
import { validationFailed } from './errors/validation.errors.js';
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
  refuseRepeatedHeaders(fastify);
  judgeBeforeTheBody(fastify, () => app.get(KeyAuthentication), isDropIn);
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
  // Only under WeChat's paths: elsewhere such a body was refused before it came here.
  fastify.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
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
 * What speaks against a request is looked at before its body is read: an encoding (RFC 9110, 15.5.16), another media
 * type, a key that is not valid. So nobody without a key has a body read. Routes without a body pay nothing for it;
 * WeChat's own paths carry the key in the body and look at no media type.
 */
function judgeBeforeTheBody(
  fastify: FastifyInstance,
  keys: () => KeyAuthentication,
  isDropIn: (url: string) => boolean,
): void {
  const judge: preParsingHookHandler = (request, reply, _payload, done) => {
    if (hasBody(request) && !isDropIn(request.url)) {
      try {
        assertBodyMayCome(request, reply, keys());
      } catch (error) {
        done(error as Error);
        return;
      }
    }
    done();
  };
  fastify.addHook('onRoute', (route) => {
    if ([route.method].flat().some((method) => WITH_BODY.has(method))) {
      route.preParsing = [judge, ...[route.preParsing ?? []].flat()];
    }
  });
}

/** @throws AppError */
function assertBodyMayCome(
  request: FastifyRequest,
  reply: FastifyReply,
  keys: KeyAuthentication,
): void {
  if (request.url.startsWith('/v1/')) {
    keys.identify(request, presentedKey(request.headers));
  }
  const { 'content-encoding': encoding = '', 'content-type': type = '' } = request.headers;
  if (!/^(?:identity)?$/i.test(encoding)) {
    reply.header('accept-encoding', 'identity');
    throw new AppError(
      'unsupported_media_type',
      'Send the body as it is, without Content-Encoding.',
    );
  }
  if (!/^application\/json *(?:;|$)/i.test(type)) {
    throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE();
  }
}

/** RFC 9110, 5.3 and 7.2: which of two would count is anybody's guess, and Node takes the first. */
const ONCE_ONLY = ['host', 'authorization', 'x-api-key'];

function refuseRepeatedHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const names = request.raw.rawHeaders.filter((_, index) => index % 2 === 0);
    const lowerCase = names.map((name) => name.toLowerCase());
    const repeated = ONCE_ONLY.filter(
      (name) => lowerCase.indexOf(name) !== lowerCase.lastIndexOf(name),
    );
    done(
      repeated.length === 0
        ? undefined
        : validationFailed(
            'headers',
            repeated.map((name) => ({ path: [name], message: 'sent twice; send it once' })),
          ),
    );
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
