import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { KeyAuthentication } from './key-authentication.js';
import { presentedKey } from './presented-key.js';
import { RefusalError } from './refusals.js';

/** Lets ADMIN_API_KEY through; for everything under /v1/admin. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(private readonly keys: KeyAuthentication) {}

  /**
   * @throws AppError `unauthenticated`; `rate_limited` after many of those; `forbidden` for a client's key;
   *   `database_unavailable` before the stored clients have been read
   */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (this.keys.identify(request, presentedKey(request.headers)) !== 'admin') {
      throw clientKeyRefused();
    }
    return true;
  }
}

function clientKeyRefused(): RefusalError {
  return new RefusalError(
    'forbidden',
    'key_of_another_kind',
    'This is a client key. Use the admin key for /v1/admin.',
  );
}
