import { Injectable } from '@nestjs/common';
import { AppError } from '../../errors/app-error.js';
import { TokenService } from '../access-token/token.service.js';
import { WechatCallError } from '../api/wechat-call.error.js';
import { WechatClient } from '../api/wechat-client.js';
import type { FetchedValue } from '../credentials/credential-kind.js';
import type { TicketType } from './ticket-type.js';

const PATH = '/cgi-bin/ticket/getticket';

/**
 * Asks WeChat for tickets.
 * @see https://developers.weixin.qq.com/doc/service/api/invoice/auth/api_getticket.html
 */
@Injectable()
export class TicketClient {
  constructor(
    private readonly tokens: TokenService,
    private readonly wechat: WechatClient,
  ) {}

  /**
   * One call; two where the token turned out to be dead.
   * @throws WechatCallError, also where there is no token to ask with
   */
  async fetch(appId: string, type: TicketType): Promise<FetchedValue> {
    try {
      const { ticket, expires_in: expiresIn } = await this.tokens.use(appId, (token) =>
        this.wechat.get(PATH, { access_token: token, type }),
      );
      return { value: typeof ticket === 'string' ? ticket : '', expiresIn };
    } catch (error) {
      throw error instanceof AppError && error.code === 'token_unavailable'
        ? withoutToken(error)
        : error;
    }
  }

  /** Whether there is a token to ask with at this moment. */
  hasToken(appId: string): boolean {
    return this.tokens.current(appId) !== undefined;
  }
}

/** WeChat was not asked: the ticket waits for the token, whose own row says what an operator must do. */
function withoutToken({ upstream, message }: AppError): WechatCallError {
  return new WechatCallError(`GET ${PATH}`, {
    failureClass: 'transient',
    errcode: upstream?.errcode ?? null,
    errmsg: upstream?.errmsg ?? message,
    advice: upstream?.advice ?? 'Nothing to do: it is fetched once there is an access_token.',
    code: 'wechat_error',
    bytesSent: false,
  });
}
