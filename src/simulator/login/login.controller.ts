import { Controller } from '@nestjs/common';
import type { Account } from '../wechat/account.js';
import { AccountsService } from '../wechat/accounts.service.js';
import { AppCredentialsService } from '../wechat/app-credentials.service.js';
import { JournalService } from '../journal/journal.service.js';
import type { User, UserToken } from './user-book.js';
import { Call, WechatCall } from '../wechat/wechat-call.js';
import { SecretEndpoint, UserEndpoint } from '../wechat/wechat-endpoint.decorator.js';
import { WechatError } from '../wechat/wechat.errors.js';

const SCOPE = 'snsapi_userinfo';

interface Session extends User {
  session_key: string;
}

interface UserTokenAnswer extends User {
  access_token: string;
  expires_in: number;
  refresh_token: string;
  scope: string;
}

interface UserInfo extends User {
  nickname: string;
  sex: number;
  province: string;
  city: string;
  country: string;
  headimgurl: string;
  privilege: string[];
}

/** Login of a user: a code becomes a session (mini program) or a token of the user's own (official account). */
@Controller()
export class LoginController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly credentials: AppCredentialsService,
    private readonly journal: JournalService,
  ) {}

  @SecretEndpoint('GET', '/sns/jscode2session')
  session(@Call() call: WechatCall): Session {
    const account = this.admit(call);
    const user = redeem(account, call.query.get('js_code'));
    return { session_key: account.users.newSessionKey(), ...user };
  }

  @SecretEndpoint('GET', '/sns/oauth2/access_token')
  userToken(@Call() call: WechatCall): UserTokenAnswer {
    const account = this.admit(call);
    const user = redeem(account, call.query.get('code'));
    return tokenAnswer(account.users.issue(user));
  }

  /** Without the AppSecret: the refresh_token alone is enough. */
  @UserEndpoint('/sns/oauth2/refresh_token')
  refresh(@Call() call: WechatCall): UserTokenAnswer {
    const account = this.accounts.find(call.query.get('appid') ?? '');
    if (account === undefined) {
      throw new WechatError(40013);
    }
    const known = account.users.findByRefreshToken(call.query.get('refresh_token') ?? '');
    if (known === undefined) {
      throw new WechatError(40030);
    }
    return tokenAnswer(account.users.issue(known.user, known.refreshToken));
  }

  @UserEndpoint('/sns/auth')
  check(@Call() call: WechatCall): { errcode: 0; errmsg: 'ok' } {
    this.userOf(call);
    return { errcode: 0, errmsg: 'ok' };
  }

  @UserEndpoint('/sns/userinfo')
  userInfo(@Call() call: WechatCall): UserInfo {
    return {
      ...this.userOf(call),
      nickname: '用户',
      sex: 0,
      province: '',
      city: '',
      country: '',
      headimgurl: '',
      privilege: [],
    };
  }

  private admit(call: WechatCall): Account {
    const { query } = call;
    return this.credentials.admit(
      call,
      {
        appId: query.get('appid'),
        secret: query.get('secret'),
        grantType: query.get('grant_type'),
      },
      'authorization_code',
    );
  }

  /** Whose token the call brought: a user's own, not an account's. */
  private userOf(call: WechatCall): User {
    const text = call.query.get('access_token') ?? '';
    if (text === '') {
      throw new WechatError(41001);
    }
    const account = this.accounts.all().find(({ users }) => users.find(text) !== undefined);
    const token = account?.users.find(text);
    if (account === undefined || token === undefined) {
      throw new WechatError(40001);
    }
    this.journal.record(call.entry, { app_id: account.appId });
    if (account.users.isExpired(token)) {
      throw new WechatError(42001);
    }
    if (call.query.get('openid') !== token.user.openid) {
      throw new WechatError(40003);
    }
    return token.user;
  }
}

function redeem(account: Account, code: string | null): User {
  if (code === null || code === '') {
    throw new WechatError(41008);
  }
  const user = account.users.redeem(code);
  if (typeof user === 'number') {
    throw new WechatError(user);
  }
  return user;
}

function tokenAnswer({ user, accessToken, refreshToken }: UserToken): UserTokenAnswer {
  return {
    access_token: accessToken,
    expires_in: 7_200,
    refresh_token: refreshToken,
    scope: SCOPE,
    ...user,
  };
}
