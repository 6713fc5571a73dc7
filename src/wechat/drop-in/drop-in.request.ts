import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Grant } from './drop-in.grant.js';

/* What the guards of this folder found in a request, for the controllers behind them. */

const GRANT = Symbol('grant');
const HELD = Symbol('held token');

interface Carrier {
  [GRANT]?: Grant;
  [HELD]?: string;
}

export function attachGrant(request: FastifyRequest, grant: Grant): void {
  (request as Carrier)[GRANT] = grant;
}

export function attachHeldToken(request: FastifyRequest, appId: string): void {
  (request as Carrier)[HELD] = appId;
}

/** `@PresentedGrant() grant: Grant`, behind ClientSecretGuard. */
export const PresentedGrant = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  present(carrierOf(context)[GRANT]),
);

/** Of the account whose token or handle the caller holds, behind a guard that has looked at it. */
export function heldAppId(request: FastifyRequest): string {
  return present((request as Carrier)[HELD]);
}

/** `@HeldToken() appId: string`, the account whose token the caller holds, behind HeldTokenGuard. */
export const HeldToken = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  present(carrierOf(context)[HELD]),
);

function carrierOf(context: ExecutionContext): Carrier {
  return context.switchToHttp().getRequest<Carrier>();
}

function present<T>(found: T | undefined): T {
  if (found === undefined) {
    throw new Error('the route is without the guard that finds this in a request');
  }
  return found;
}
