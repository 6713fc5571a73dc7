import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { dropInScope } from '../../access/drop-in-access.decorator.js';
import { isHandle } from '../../access/handle.js';
import { HandleService } from '../../access/handle.service.js';
import type { Scope } from '../../access/scope.js';
import { ACCESS_TOKEN } from '../access-token/access-token.client.js';
import { CredentialService } from '../credentials/credential.service.js';
import { TokenIndexService } from './token-index.service.js';
import { TokenService } from '../access-token/token.service.js';
import { DropInError } from './drop-in.errors.js';
import { parameter } from './drop-in.grant.js';
import { attachHeldToken } from './drop-in.request.js';

/** The shape of WeChat's tokens: what cannot be one is 40014, what is none of ours 40001. */
const TOKEN_SHAPE = /^\d+_[\w-]{50,500}$/;

const ADVICE = 'get the current one from /cgi-bin/token here';

/**
 * Lets through whoever holds an access_token that was handed out here and that WeChat still accepts: the
 * current one, or the one before it within its overlap. As at WeChat, holding it is the right. A handle stands for its
 * client, which needs the scope of the route.
 */
@Injectable()
export class HeldTokenGuard implements CanActivate {
  constructor(
    private readonly tokens: TokenService,
    private readonly index: TokenIndexService,
    private readonly credentials: CredentialService,
    private readonly handles: HandleService,
  ) {}

  /** @throws DropInError; AppError `database_unavailable` before the tokens are loaded */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (request.method !== 'GET') {
      throw new DropInError(43001);
    }
    const token = parameter(request.query, 'access_token');
    if (token === '') {
      throw new DropInError(41001);
    }
    const appId = isHandle(token)
      ? this.acceptHandle(token, dropInScope(context.getHandler()))
      : this.accept(token);
    attachHeldToken(request, appId);
    return true;
  }

  /** @returns the AppID */
  private acceptHandle(handle: string, scope: Scope | undefined): string {
    const { client, appId } = this.handles.open(handle);
    if (scope === undefined || !client.scopes.has(scope)) {
      throw new DropInError(
        48001,
        `the client of this handle does not have the scope ${scope ?? ''}`,
      );
    }
    this.tokens.requireForClient(appId);
    return appId;
  }

  /** @returns the AppID */
  private accept(token: string): string {
    const appId = this.index.find(token);
    if (appId === undefined) {
      throw TOKEN_SHAPE.test(token) ? new DropInError(40001, ADVICE) : new DropInError(40014);
    }
    // Of an account that is switched off, whoever holds its token is told so.
    this.tokens.requireForClient(appId);
    switch (this.credentials.validity(appId, ACCESS_TOKEN, token)) {
      case 'good':
        return appId;
      case 'expired':
        throw new DropInError(42001, ADVICE);
      case 'dead':
        throw new DropInError(40001, ADVICE);
      case 'unknown':
        throw new DropInError(-1, 'WeChat cannot be asked after this token now; repeat the call');
    }
  }
}
