import { Injectable, Logger } from '@nestjs/common';
import { WechatCallError } from '../api/wechat-call.error.js';
import { WechatClient, type WechatAnswer } from '../api/wechat-client.js';
import type { Account } from '../accounts/account.js';
import { AccountService } from '../accounts/account.service.js';
import type { CredentialKind, FetchedValue, ProbeVerdict } from '../credentials/credential-kind.js';
import type { CredentialPolicy } from '../credentials/credential.policy.js';
import { ACCESS_TOKEN_POLICIES } from './access-token.policy.js';

/** The kind's name: in rows, paths and metrics. */
export const ACCESS_TOKEN = 'access_token';

/** Each counts against a quota of its own. */
const PROBE_PATHS = ['/cgi-bin/getcallbackip', '/cgi-bin/get_api_domain_ip'] as const;

/**
 * The access_token as a kind of credential: where it comes from, and how WeChat is asked whether it
 * still accepts one.
 * @see https://developers.weixin.qq.com/doc/service/api/base/api_getaccesstoken.html
 * @see https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
 */
@Injectable()
export class AccessTokenClient implements CredentialKind {
  private readonly logger = new Logger(AccessTokenClient.name);
  readonly name = ACCESS_TOKEN;
  readonly fetchedAhead = true;

  constructor(
    private readonly wechat: WechatClient,
    private readonly accounts: AccountService,
  ) {}

  policyFor(account: Account): CredentialPolicy {
    return ACCESS_TOKEN_POLICIES[account.mode];
  }

  async fetch(account: Account, { force }: { force: boolean }): Promise<FetchedValue> {
    const { appId: appid } = account;
    const secret = this.accounts.openSecret(appid);
    const grant = { grant_type: 'client_credential', appid, secret };
    const answer =
      account.mode === 'stable'
        ? await this.wechat.post(
            '/cgi-bin/stable_token',
            {},
            { ...grant, force_refresh: force },
            { call: 'fetch' },
          )
        : await this.wechat.get('/cgi-bin/token', grant, { call: 'fetch' });
    return toFetchedValue(answer);
  }

  /**
   * A list means alive; an errcode means what its row of errcode-table.ts says. The second list is asked only where
   * the quota of the first is used up.
   */
  probe(_account: Account, value: string): Promise<ProbeVerdict> {
    return this.tryToken(value);
  }

  /** The same for a token whose account is not here yet. */
  async tryToken(value: string): Promise<ProbeVerdict> {
    for (const path of PROBE_PATHS) {
      const verdict = await this.ask(path, value);
      if (verdict !== 'over_quota') {
        return verdict;
      }
    }
    return 'unknown';
  }

  private async ask(path: string, token: string): Promise<ProbeVerdict | 'over_quota'> {
    try {
      const answer = await this.wechat.get(path, { access_token: token });
      return Array.isArray(answer.ip_list) ? 'alive' : 'unknown';
    } catch (error) {
      if (!(error instanceof WechatCallError)) {
        this.logger.error(error);
        return 'unknown';
      }
      return error.failureClass === 'throttled' ? 'over_quota' : error.tokenIs;
    }
  }
}

/** A success carries no errcode: it is known by its token alone. */
function toFetchedValue(answer: WechatAnswer): FetchedValue {
  const token = answer.access_token;
  return { value: typeof token === 'string' ? token : '', expiresIn: answer.expires_in };
}
