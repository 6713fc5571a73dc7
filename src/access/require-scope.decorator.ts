import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import { ApiProblems } from '../http/api-problems.decorator.js';
import type { Scope } from './scope.js';

const SCOPE = 'access:scope';

/**
 * The scope that a route under {@link ClientGuard} wants; also documents the route's keys and refusals.
 * On the method, never on the class: the guard remembers it by the method alone.
 */
export function RequireScope(scope: Scope): MethodDecorator {
  return applyDecorators(
    SetMetadata(SCOPE, scope),
    ApiSecurity('bearer', [scope]),
    ApiSecurity('api_key', [scope]),
    ApiProblems('unauthenticated', 'forbidden', 'rate_limited'),
  );
}

export function requiredScope(handler: object): Scope | undefined {
  return Reflect.getMetadata(SCOPE, handler) as Scope | undefined;
}
