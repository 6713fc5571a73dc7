import { Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { fastify as createFastify, type FastifyInstance } from 'fastify';
import type { IncomingMessage, RequestListener } from 'node:http';
import { AccessMetrics } from './access/access.metrics.js';
import { ClientGuard } from './access/client.guard.js';
import { AppConfig } from './config/app-config.js';
import { ProblemFilter } from './errors/problem.filter.js';
import { RouteTable } from './errors/route-table.js';
import { RequestObserver } from './observability/request-observer.js';
import { countErrors, serverOptions, setCommonHeaders } from './server-options.js';
import {
  AccessTokenController,
  type ReadRequest,
} from './wechat/access-token/access-token.controller.js';

/** As the controller declares it; the test of this file holds them together. */
export const READ_ROUTE = {
  path: '/v1/accounts/:app_id/access-token',
  scope: 'token:read',
} as const;

/** Without a query: a read with `?wait=` is rare, and Nest's route answers it. */
const PLAIN_READ = /^\/v1\/accounts\/[^/?]+\/access-token$/;

/**
 * The one trick of the hot path: a plain read of the token goes from the server straight to the guard and
 * the controller of Nest, past the layers between them.
 *
 * Those are the hooks of Nest's adapter (seven for each request, none of which this service switches on)
 * and the promises of its router. Without this file the route works all the same, through Nest, with the
 * same guard and the same controller, and a read takes half as much processor time again
 * (docs/performance.md).
 */
@Injectable()
class ReadPath implements OnApplicationBootstrap {
  constructor(
    private readonly config: AppConfig,
    private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly guard: ClientGuard,
    private readonly modules: ModuleRef,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const reads = this.createReads();
    await reads.ready();
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    // From then on its answers tell the client to close the connection, as all others do.
    fastify.addHook('preClose', () => reads.close());
    divert(fastify, (request, response) => {
      reads.routing(request, response);
    });
  }

  private createReads(): FastifyInstance {
    const controller = this.modules.get(AccessTokenController, { strict: false });
    const observer = this.modules.get(RequestObserver, { strict: false });
    const refusals = this.modules.get(AccessMetrics, { strict: false });
    const problems = new ProblemFilter(new RouteTable(), countErrors(refusals, observer));
    const reads = createFastify({ ...serverOptions(this.config), exposeHeadRoutes: false });
    reads.setErrorHandler((error, request, reply) => {
      problems.answer(error, request, reply);
    });
    observer.prepare(reads);
    reads.get(READ_ROUTE.path, { config: { measuresItself: true } }, (request, reply) => {
      request.startedMs = performance.now();
      setCommonHeaders(request, reply);
      this.guard.admit(request, READ_ROUTE.scope);
      const answer = controller.read(request as ReadRequest, reply);
      // Undefined is an answer without a body, 304, which Fastify would wait for.
      return answer instanceof Promise
        ? answer.then((text) => text ?? reply.send())
        : (answer ?? reply.send());
    });
    return reads;
  }
}

@Module({ providers: [ReadPath] })
export class ReadPathModule {}

/** Puts `reads` before the listener of the server. One that is bound to a second address has Nest's alone. */
function divert({ server }: FastifyInstance, reads: RequestListener): void {
  const others = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (isRead(request)) {
      reads(request, response);
      return;
    }
    for (const other of others) {
      other(request, response);
    }
  });
}

function isRead({ method, url }: IncomingMessage): boolean {
  return method === 'GET' && url !== undefined && PLAIN_READ.test(url);
}
