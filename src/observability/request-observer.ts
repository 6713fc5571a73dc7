import { Injectable, Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { appId as AppId } from '../config/parsers.js';
import { HttpMetrics } from './http.metrics.js';
import { REQUEST_ID_HEADER } from './request-id.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of this process's monotonic time: when the headers were there. */
    startedMs: number;
  }
  interface FastifyContextConfig {
    /**
     * The route measures its own successful answers, and names the request's id only to who sent one: for the
     * token read, which so has no hook on its route.
     */
    readonly measuresItself?: boolean;
  }
}

const ADMIN_ROUTES = '/v1/admin/';
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Sees each request to its end: its id in the answer, its duration, and a line of the log for what an admin did. */
@Injectable()
export class RequestObserver {
  private readonly logger = new Logger(RequestObserver.name);

  constructor(private readonly metrics: HttpMetrics) {}

  /** Before routes are registered. */
  install(fastify: FastifyInstance): void {
    this.prepare(fastify);
    fastify.addHook('onRequest', (request, _reply, done) => {
      request.startedMs = performance.now();
      done();
    });
    fastify.addHook('onRoute', (route) => {
      if (route.config?.measuresItself !== true) {
        this.follow(route);
      }
    });
  }

  /** Of a server whose routes all measure themselves: they set the start as well. */
  prepare(fastify: FastifyInstance): void {
    fastify.decorateRequest('startedMs', 0);
  }

  /** An error is the answer. Routes that have the hooks are seen by them. */
  refused(request: FastifyRequest, reply: FastifyReply, status: number): void {
    const { url, config } = request.routeOptions;
    if (url === undefined) {
      reply.header(REQUEST_ID_HEADER, request.id);
    }
    if (url === undefined || config.measuresItself === true) {
      this.measure(request, url, status);
    }
  }

  private follow(route: RouteOptions): void {
    const before = [route.onRequest ?? []].flat();
    // A GET route is seen twice: Fastify makes a HEAD route of it, hooks included.
    if (!before.includes(this.nameRequest)) {
      route.onRequest = [...before, this.nameRequest];
      route.onResponse = [...[route.onResponse ?? []].flat(), this.observe];
    }
  }

  private readonly nameRequest = (
    request: FastifyRequest,
    reply: FastifyReply,
    done: () => void,
  ): void => {
    reply.header(REQUEST_ID_HEADER, request.id);
    done();
  };

  private readonly observe = (
    request: FastifyRequest,
    reply: FastifyReply,
    done: () => void,
  ): void => {
    const { url } = request.routeOptions;
    this.measure(request, url, reply.statusCode);
    if (url !== undefined && url.startsWith(ADMIN_ROUTES) && !READING.has(request.method)) {
      this.logAdminAction(request, url, reply.statusCode);
    }
    done();
  };

  private measure(request: FastifyRequest, route: string | undefined, status: number): void {
    // The wildcard is the route of OPTIONS for every path.
    const pattern = route === '*' ? undefined : route;
    const durationMs = performance.now() - request.startedMs;
    this.metrics.durations(request.method, pattern, status).observe(durationMs);
  }

  private logAdminAction(request: FastifyRequest, route: string, status: number): void {
    // What somebody pasted in the place of an AppID, such as a secret, is not logged.
    const appId = AppId.safeParse((request.params as { app_id?: string }).app_id);
    const line = {
      event: 'admin_action',
      request_id: request.id,
      route: `${request.method} ${route}`,
      ...(appId.success && { app_id: appId.data }),
      outcome: status < 400 ? 'done' : 'refused',
      status,
      duration_ms: Math.round(performance.now() - request.startedMs),
    };
    if (status < 500) {
      this.logger.log(line);
    } else {
      this.logger.warn({ ...line, outcome: 'failed' });
    }
  }
}
