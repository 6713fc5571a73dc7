import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Client } from './client-directory.js';

const CLIENT = Symbol('client');

interface Carrier {
  [CLIENT]?: Client;
}

export function attachClient(request: FastifyRequest, client: Client): void {
  (request as Carrier)[CLIENT] = client;
}

/** The client whose key {@link ClientGuard} let through. @throws Error on a route without that guard */
export function clientOf(request: FastifyRequest): Client {
  const client = (request as Carrier)[CLIENT];
  if (client === undefined) {
    throw new Error('@CurrentClient() stands on a route without ClientGuard');
  }
  return client;
}

/** `@CurrentClient() client: Client` */
export const CurrentClient = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  clientOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
