import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AdminKey } from './admin-key.js';
import { ClientDirectory } from './client-directory.js';
import { FailedKeys } from './failed-keys.js';
import { presentedKey } from './presented-key.js';
import { RefusalError, unknownKey } from './refusals.js';

/** Lets ADMIN_API_KEY through; for everything under /v1/admin. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly adminKey: AdminKey,
    private readonly clients: ClientDirectory,
    private readonly failedKeys: FailedKeys,
  ) {}

  /**
   * @throws AppError `unauthenticated`; `rate_limited` after many of those; `forbidden` for a client's key;
   *   `database_unavailable` before the stored clients have been read
   */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const key = presentedKey(request.headers);
    if (this.adminKey.matches(key.hash)) {
      return true;
    }
    throw this.clients.find(key) === undefined
      ? (this.clients.notYet(key) ??
          this.failedKeys.refusal(request, unknownKey(this.clients.whyNot(key))))
      : clientKeyRefused();
  }
}

function clientKeyRefused(): RefusalError {
  return new RefusalError(
    'forbidden',
    'key_of_another_kind',
    'This is a client key. What lies under /v1/admin wants the admin key.',
  );
}
