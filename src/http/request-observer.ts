import { Injectable, Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { appId as AppId } from '../config/parsers.js';
import { HttpMetrics } from './http.metrics.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of this process's monotonic time: when the headers were there. */
    startedMs: number;
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
    fastify.decorateRequest('startedMs', 0);
    fastify.addHook('onRequest', (request, _reply, done) => {
      request.startedMs = performance.now();
      done();
    });
    fastify.addHook('onRoute', (route) => {
      this.follow(route);
    });
  }

  /** An error is the answer. Routes that have the hooks are seen by them. */
  refused(request: FastifyRequest, reply: FastifyReply, status: number): void {
    const { url } = request.routeOptions;
    if (url === undefined) {
      this.measure(request, url, status);
    }
  }

  private follow(route: RouteOptions): void {
    const others = [route.onResponse ?? []].flat();
    // A GET route is seen twice: Fastify makes a HEAD route of it, hooks included.
    if (!others.includes(this.observe)) {
      route.onResponse = [...others, this.observe];
    }
  }

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
    // The wildcard takes every path that no other route has.
    const pattern = route === '/*' ? undefined : route;
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
