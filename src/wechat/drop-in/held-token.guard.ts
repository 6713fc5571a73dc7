import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DatabaseClock } from '../../database/database-clock.js';
import { TokenService } from '../access-token/token.service.js';
import type { Credential } from '../credentials/credential.js';
import { tokenValidity } from '../credentials/token-validity.js';
import { DropInError } from './drop-in.errors.js';
import { parameter } from './drop-in.grant.js';
import { attachHeldToken } from './drop-in.request.js';

/** The shape of WeChat's tokens: what cannot be one is 40014, what is none of ours 40001. */
const TOKEN_SHAPE = /^\d+_[\w-]{50,500}$/;

const ADVICE = 'get the current one from /cgi-bin/token here';

/**
 * Lets through whoever holds an access_token that was handed out here and that WeChat still accepts: the
 * current one, or the one before it within its overlap. As at WeChat, holding it is the right.
 */
@Injectable()
export class HeldTokenGuard implements CanActivate {
  constructor(
    private readonly tokens: TokenService,
    private readonly clock: DatabaseClock,
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
    attachHeldToken(request, this.accept(token));
    return true;
  }

  private accept(token: string): Credential {
    const slot = this.tokens.slotOfToken(token);
    if (slot === undefined) {
      throw TOKEN_SHAPE.test(token) ? new DropInError(40001, ADVICE) : new DropInError(40014);
    }
    const isHandedOut = this.tokens.current(slot) !== undefined;
    switch (tokenValidity(slot.view, token, { nowMs: this.clock.nowMs(), isHandedOut })) {
      case 'good':
        return slot;
      case 'expired':
        throw new DropInError(42001, ADVICE);
      case 'dead':
        throw new DropInError(40001, ADVICE);
      case 'unknown':
        throw new DropInError(-1, 'WeChat cannot be asked after this token now; repeat the call');
    }
  }
}
