import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { attachClient } from './current-client.decorator.js';
import { KeyAuthentication } from './key-authentication.js';
import { presentedKey } from './presented-key.js';
import { accountRefused, RefusalError } from './refusals.js';
import { requiredScope } from './require-scope.decorator.js';
import type { Scope } from './scope.js';

/**
 * Lets a client's key through to what its scopes and accounts allow. It asks for a handler's metadata once in its
 * life.
 */
@Injectable()
export class ClientGuard implements CanActivate {
  private readonly scopes = new Map<object, Scope>();

  constructor(private readonly keys: KeyAuthentication) {}

  /**
   * @throws AppError `unauthenticated`; `rate_limited` after many of those; `forbidden` for a known key without
   *   the scope or the account; `database_unavailable` before the stored clients have been read
   */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const scope = this.scopes.get(context.getHandler()) ?? this.learnScope(context);
    const client = this.keys.identify(request, presentedKey(request.headers));
    if (client === 'admin') {
      throw adminKeyRefused();
    }
    if (!client.scopes.has(scope)) {
      throw new RefusalError(
        'forbidden',
        'missing_scope',
        `This key does not have the scope ${scope}. Use a key that has it, or ask the operator to add it.`,
      );
    }
    if (client.accounts !== 'all') {
      const { app_id: appId } = request.params as { app_id?: string };
      if (appId !== undefined && !client.accounts.has(appId)) {
        throw accountRefused();
      }
    }
    attachClient(request, client);
    return true;
  }

  private learnScope(context: ExecutionContext): Scope {
    const handler = context.getHandler();
    const scope = requiredScope(handler);
    if (scope === undefined) {
      // server/access.policy.ts refuses such a route at start; this is for whatever it may overlook.
      throw new Error(`${context.getClass().name}.${handler.name} has no @RequireScope`);
    }
    this.scopes.set(handler, scope);
    return scope;
  }
}

function adminKeyRefused(): RefusalError {
  return new RefusalError(
    'forbidden',
    'key_of_another_kind',
    'This is the admin key, which is good for /v1/admin only. Use a client key here.',
  );
}
