import type { DynamicModule, LoggerService, NestApplicationOptions, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { AccessMetrics } from '../access/access.metrics.js';
import { KeyAuthentication } from '../access/key-authentication.js';
import type { AppConfig } from '../config/app-config.js';
import { ProblemFilter } from '../http/problem.filter.js';
import { RouteTable } from '../http/route-table.js';
import { validationFailed } from '../http/validation.errors.js';
import { RequestObserver } from '../http/request-observer.js';
import { isDropInUrl } from '../wechat/drop-in/drop-in.path.js';
import { judgeBeforeTheBody, readBodies } from './bodies.js';
import { serveOpenApi } from './openapi.js';
import { ServerFactory } from './server-factory.js';
import { countErrors, errorFilter, serverOptions, setCommonHeaders } from './server-options.js';

const REAP_MS = 100;

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
    // One that takes every path tells nothing of any.
    if (url !== '/*') {
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

/** RFC 9110, 9.3.7: what a path knows. No CORS headers: keys do not belong in a browser. */
function answerOptions(
  fastify: FastifyInstance,
  routes: RouteTable,
  isDropIn: (url: string) => boolean,
): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.method !== 'OPTIONS' || isDropIn(request.url)) {
      done();
      return;
    }
    const allow = routes.methodsFor(request.url.split('?', 1)[0] ?? '');
    if (allow.length === 0) {
      done();
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
