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
 * Who may call a route that speaks WeChat's own words: a client whose key stands in WeChat's `secret` and has
 * the scope, or whoever holds a live access_token of the account. That one needs no more, as at WeChat itself:
 * the scope was asked for when the token was handed out.
 */
export type DropInRight = Scope | 'access_token';

/**
 * For the routes under /cgi-bin, whose callers can send no header: a guard of theirs reads key or token from
 * where WeChat has it. On the method, never on the class.
 */
export function DropInAccess(guard: Type<CanActivate>, right: DropInRight): MethodDecorator {
  return applyDecorators(SetMetadata(DROP_IN_ACCESS, right), UseGuards(guard));
}

export function dropInRight(handler: object): DropInRight | undefined {
  return Reflect.getMetadata(DROP_IN_ACCESS, handler) as DropInRight | undefined;
}
