import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { attachClient } from '../../access/current-client.decorator.js';
import { KeyAuthentication } from '../../access/key-authentication.js';
import { RefusalError } from '../../access/refusals.js';
import { assertAccount, clientOfSecret, missingScope } from '../drop-in/client-secret.guard.js';
import { DropInError } from '../drop-in/drop-in.errors.js';
import { attachHeldToken } from '../drop-in/drop-in.request.js';
import { parametersOf, targetByHandle } from './gateway-target.js';

/** Lets a client through whose key stands in `secret` of one of WeChat's logins. The key comes before the AppID. */
@Injectable()
export class LoginGuard implements CanActivate {
  constructor(private readonly keys: KeyAuthentication) {}

  /** @throws DropInError, RefusalError; AppError `database_unavailable` before the clients are loaded */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (request.method !== 'GET') {
      throw new DropInError(43001);
    }
    const target = targetByHandle(request.originalUrl);
    const [secret = ''] = parametersOf(target, 'secret');
    if (secret === '') {
      throw new RefusalError(
        'unauthenticated',
        'no_key',
        'put a client key of this service into secret',
      );
    }
    const client = clientOfSecret(this.keys, request, secret);
    if (!client.scopes.has('login')) {
      throw missingScope('login');
    }
    const [appId = ''] = parametersOf(target, 'appid');
    if (appId === '') {
      throw new DropInError(41002);
    }
    assertAccount(client, appId);
    attachClient(request, client);
    attachHeldToken(request, appId);
    return true;
  }
}
