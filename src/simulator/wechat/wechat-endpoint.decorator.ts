import { All, HttpCode, UseGuards, applyDecorators } from '@nestjs/common';
import { LiveTokenGuard } from './live-token.guard.js';
import { MethodGuard, WantedMethod } from './method.guard.js';
import type { WechatMethod } from './method.guard.js';

/** A call that is made with the AppSecret. Every method is routed, since the wrong one has an errcode. */
export function SecretEndpoint(method: WechatMethod, path: string): MethodDecorator {
  return applyDecorators(All(path), HttpCode(200), WantedMethod(method), UseGuards(MethodGuard));
}

/** A call that is made with a user's own token, which the controller checks. */
export function UserEndpoint(path: string): MethodDecorator {
  return SecretEndpoint('GET', path);
}

/** A call that is made with a live access_token. */
export function TokenEndpoint(method: WechatMethod, path: string): MethodDecorator {
  return applyDecorators(
    All(path),
    HttpCode(200),
    WantedMethod(method),
    UseGuards(MethodGuard, LiveTokenGuard),
  );
}
