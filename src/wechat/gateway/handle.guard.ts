import {
  Injectable,
  NotFoundException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { attachClient } from '../../access/current-client.decorator.js';
import { isHandle } from '../../access/handle.js';
import { HandleService } from '../../access/handle.service.js';
import { attachHeldToken } from '../drop-in/drop-in.request.js';
import { dropInMethod, isDropInUrl } from '../drop-in/drop-in.path.js';
import { DropInError } from '../drop-in/drop-in.errors.js';
import { parametersOf, targetByHandle, USERS_PATHS } from './gateway-target.js';

/**
 * Accepts a handle in `access_token`, on every path that is not the service's own. Without one the path does not exist;
 * under /cgi-bin, an access_token of WeChat is refused with 40001.
 */
@Injectable()
export class HandleGuard implements CanActivate {
  constructor(private readonly handles: HandleService) {}

  /** @throws DropInError 40001; NotFoundException; AppError `database_unavailable` before the clients are loaded */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const target = targetByHandle(request.originalUrl);
    const [token] = parametersOf(target, 'access_token');
    if (
      token === undefined ||
      !isDropInUrl(request.url) ||
      dropInMethod(request.url) !== undefined
    ) {
      // No such path, or one of the service's own with another method.
      throw new NotFoundException();
    }
    if (!isHandle(token)) {
      throw new DropInError(
        40001,
        'through this service WeChat is called with a handle, not with an access_token of WeChat. Get one from /cgi-bin/token here, with the key of a client that has the scope gateway and not token:read',
      );
    }
    if (target.path.startsWith(USERS_PATHS)) {
      throw new DropInError(
        40001,
        "under /sns/ WeChat wants a user's own access_token, and a handle is none. Call it by key (docs/gateway.md)",
      );
    }
    const { client, appId } = this.handles.open(token);
    attachClient(request, client);
    attachHeldToken(request, appId);
    return true;
  }
}
