import { Injectable } from '@nestjs/common';
import type { Account } from './account.js';
import { isAllowed } from './ip-allow-list.js';
import { limitsOf, mergeQuotas } from '../control/settings.dto.js';
import { SettingsService } from '../control/settings.service.js';
import type { WechatCall } from './wechat-call.js';
import { wechatErrorFor } from './wechat.errors.js';

/**
 * Whether a call with good credentials may pass: first the address that it comes from, then the quotas.
 * A call that is refused spends none.
 */
@Injectable()
export class CallerPolicy {
  constructor(private readonly settings: SettingsService) {}

  /** `credential`: what the call is made with. A mini program's allow list covers the secret alone. */
  admit(account: Account, call: WechatCall, credential: 'secret' | 'token'): void {
    const { path, caller_ip: ip } = call.entry;
    const isListed = credential === 'secret' || account.kind === 'official_account';
    if (isListed && !isAllowed(ip, account.ipAllowList)) {
      throw wechatErrorFor(40164, { path, ip });
    }
    const quotas = mergeQuotas(this.settings.current.quotas, account.quotas);
    const exhausted = account.quotaMeter.spend(path, limitsOf(quotas, path));
    if (exhausted !== undefined) {
      throw wechatErrorFor(exhausted === 'perDay' ? 45009 : 45011, { path, ip });
    }
  }
}
