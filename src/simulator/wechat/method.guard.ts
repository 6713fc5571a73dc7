import { Injectable, SetMetadata } from '@nestjs/common';
import type { CanActivate, CustomDecorator, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { callOf } from './wechat-call.js';
import { WechatError } from './wechat.errors.js';

export type WechatMethod = 'GET' | 'POST';

const WANTED_METHOD = 'wechat:method';

export function WantedMethod(method: WechatMethod): CustomDecorator {
  return SetMetadata(WANTED_METHOD, method);
}

/** A wrong method is an application error of WeChat's, not a 405. */
@Injectable()
export class MethodGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const wanted = this.reflector.get<WechatMethod>(WANTED_METHOD, context.getHandler());
    if (callOf(context).entry.method !== wanted) {
      throw new WechatError(wanted === 'GET' ? 43001 : 43002);
    }
    return true;
  }
}
