import {
  applyDecorators,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type Type,
} from '@nestjs/common';
import type { Scope } from './scope.js';

const DROP_IN_ACCESS = 'access:drop-in';

/**
 * For WeChat's own paths, whose callers can send no header: a guard of theirs reads the client key, the access_token or
 * the handle from where WeChat has it. Whoever holds a live access_token needs no more, as at WeChat itself: the scope
 * was asked for when the token was handed out. On the method, never on the class.
 * @param scope what a client needs; with a handle too
 */
export function DropInAccess(guard: Type<CanActivate>, scope: Scope): MethodDecorator {
  return applyDecorators(SetMetadata(DROP_IN_ACCESS, scope), UseGuards(guard));
}

export function dropInScope(handler: object): Scope | undefined {
  return Reflect.getMetadata(DROP_IN_ACCESS, handler) as Scope | undefined;
}
