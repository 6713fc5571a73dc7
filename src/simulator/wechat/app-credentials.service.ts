import { Injectable } from '@nestjs/common';
import type { Account } from './account.js';
import { AccountsService } from './accounts.service.js';
import { CallerPolicy } from './caller.policy.js';
import type { WechatCall } from './wechat-call.js';
import { WechatError } from './wechat.errors.js';

/** What such a caller sends; null or empty where it does not. */
export interface OfferedCredentials {
  appId: string | null | undefined;
  secret: string | null | undefined;
  grantType: string | null | undefined;
}

/**
 * The checks of the calls that bring the AppSecret, in WeChat's order: the AppID comes before the grant_type. That a caller's
 * address and quota come last is an assumption.
 */
@Injectable()
export class AppCredentialsService {
  constructor(
    private readonly accounts: AccountsService,
    private readonly callers: CallerPolicy,
  ) {}

  admit(
    call: WechatCall,
    offered: OfferedCredentials,
    grantType: 'client_credential' | 'authorization_code' = 'client_credential',
  ): Account {
    const appId = offered.appId ?? '';
    if (appId === '') {
      throw new WechatError(41002);
    }
    const account = this.accounts.find(appId);
    if (account === undefined) {
      throw new WechatError(40013);
    }
    if (offered.grantType !== grantType) {
      throw new WechatError(40002);
    }
    this.checkSecret(account, offered.secret ?? '', call.entry.path);
    if (account.frozen) {
      throw new WechatError(40243);
    }
    this.callers.admit(account, call, 'secret');
    return account;
  }

  /** Only the legacy call knows 40001 for a secret, "not this account's"; a plainly wrong one is 40125. */
  private checkSecret(account: Account, secret: string, path: string): void {
    if (secret === '') {
      throw new WechatError(41004);
    }
    if (secret === account.secret) {
      return;
    }
    const isAnothers = this.accounts.all().some((other) => other.secret === secret);
    throw new WechatError(isAnothers && path === '/cgi-bin/token' ? 40001 : 40125);
  }
}
