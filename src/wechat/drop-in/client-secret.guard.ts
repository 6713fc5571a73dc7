import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Client } from '../../access/client-directory.js';
import { attachClient } from '../../access/current-client.decorator.js';
import { dropInRight } from '../../access/drop-in-access.decorator.js';
import { KeyAuthentication } from '../../access/key-authentication.js';
import { presented } from '../../access/presented-key.js';
import { accountRefused, RefusalError, type RefusalReason } from '../../access/refusals.js';
import { DropInError } from './drop-in.errors.js';
import { attachGrant } from './drop-in.request.js';
import { grantOfBody, grantOfQuery, type Grant } from './drop-in.grant.js';

/**
 * Lets a client through whose key stands in WeChat's `secret`: in the query, or in the body of a POST.
 *
 * WeChat looks at the AppID before it looks at the secret. Here the key comes first, so that nobody without
 * one learns which accounts there are.
 */
@Injectable()
export class ClientSecretGuard implements CanActivate {
  constructor(private readonly keys: KeyAuthentication) {}

  /** @throws DropInError, RefusalError; AppError `database_unavailable` before the clients are loaded */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const grant = readGrant(request);
    const client = this.identify(grant.secret, request);
    const right = dropInRight(context.getHandler());
    if (right === undefined || right === 'access_token' || !client.scopes.has(right)) {
      throw new RefusalError(
        'forbidden',
        'missing_scope',
        `the key in secret does not have the scope ${right ?? ''}`,
      );
    }
    if (client.accounts !== 'all' && !client.accounts.has(grant.appId)) {
      throw accountRefused();
    }
    attachClient(request, client);
    attachGrant(request, grant);
    return true;
  }

  private identify(secret: string, request: FastifyRequest): Client {
    const client = this.keys.identify(request, presented(secret), keyRefused);
    if (client === 'admin') {
      throw keyRefused('key_of_another_kind');
    }
    return client;
  }
}

/** In the same words whatever is wrong with it. */
function keyRefused(reason: RefusalReason): RefusalError {
  return new RefusalError(
    'unauthenticated',
    reason,
    'secret must hold a client key of this service, not the AppSecret; this one is unknown or no longer valid',
  );
}

function readGrant(request: FastifyRequest): Grant {
  switch (request.method) {
    case 'POST':
      return grantOfBody(request.body);
    case 'GET':
      return grantOfQuery(request.query);
    default:
      // The router answers HEAD where there is a GET; WeChat does not.
      throw new DropInError(43001);
  }
}
