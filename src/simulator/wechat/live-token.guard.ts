import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { AccountsService } from './accounts.service.js';
import { CallerPolicy } from './caller.policy.js';
import { looksLikeToken } from './credential-text.js';
import { callOf } from './wechat-call.js';
import type { WechatCall } from './wechat-call.js';
import { WechatError } from './wechat.errors.js';

/**
 * What every ordinary call wants: a live token of either family in `access_token`, and a caller that the
 * account allows. It leaves the account on the call.
 */
@Injectable()
export class LiveTokenGuard implements CanActivate {
  constructor(
    private readonly accounts: AccountsService,
    private readonly callers: CallerPolicy,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    this.admit(callOf(context));
    return true;
  }

  /** @throws WechatError where the call may not pass */
  admit(call: WechatCall): void {
    const text = call.query.get('access_token') ?? '';
    if (text === '') {
      throw new WechatError(41001);
    }
    if (!looksLikeToken(text)) {
      throw new WechatError(40014);
    }
    const account = this.accounts.findByToken(text);
    const token = account?.findToken(text);
    if (account === undefined || token === undefined) {
      throw new WechatError(40001);
    }
    const errcode = account.ledgers[token.family].errcodeOf(token);
    if (errcode !== 0) {
      throw new WechatError(errcode);
    }
    this.callers.admit(account, call, 'token');
    call.account = account;
  }
}
