import { RouteConfig } from '@nestjs/platform-fastify';
import type { RouteOptions } from 'fastify';

const STREAMED = { hasStreamedBody: true } as const;

/** The body is left unread, whatever its type and size: the handler reads it from Node's request. */
export function StreamedBody(): MethodDecorator {
  return RouteConfig(STREAMED);
}

export function hasStreamedBody({ config }: Pick<RouteOptions, 'config'>): boolean {
  return config !== undefined && 'hasStreamedBody' in config;
}
