import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Client } from '../../access/client-directory.js';
import { attachClient } from '../../access/current-client.decorator.js';
import { KeyAuthentication } from '../../access/key-authentication.js';
import { presented } from '../../access/presented-key.js';
import { accountRefused, RefusalError, type RefusalReason } from '../../access/refusals.js';
import { AppConfig } from '../../config/app-config.js';
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
  constructor(
    private readonly keys: KeyAuthentication,
    private readonly config: AppConfig,
  ) {}

  /** @throws DropInError, RefusalError; AppError `database_unavailable` before the clients are loaded */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const grant = readGrant(request);
    const client = clientOfSecret(this.keys, request, grant.secret);
    // Without the right to the token it is answered with a handle.
    const getsHandle = this.config.gateway.enabled && client.scopes.has('gateway');
    if (!client.scopes.has('token:read') && !getsHandle) {
      throw missingScope('token:read, nor gateway');
    }
    assertAccount(client, grant.appId);
    attachClient(request, client);
    attachGrant(request, grant);
    return true;
  }
}

/** @throws RefusalError */
export function clientOfSecret(
  keys: KeyAuthentication,
  request: FastifyRequest,
  secret: string,
): Client {
  const client = keys.identify(request, presented(secret), keyRefused);
  if (client === 'admin') {
    throw keyRefused('key_of_another_kind');
  }
  return client;
}

/** @throws RefusalError */
export function assertAccount({ accounts }: Client, appId: string): void {
  if (accounts !== 'all' && !accounts.has(appId)) {
    throw accountRefused();
  }
}

export function missingScope(scope: string): RefusalError {
  return new RefusalError(
    'forbidden',
    'missing_scope',
    `the key in secret does not have the scope ${scope}`,
  );
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
