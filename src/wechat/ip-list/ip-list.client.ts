import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { TokenService } from '../access-token/token.service.js';
import { WechatCallError } from '../api/wechat-call.error.js';
import { WechatClient } from '../api/wechat-client.js';
import type { IpListKind } from './ip-list.dto.js';
import { toRanges, type IpRange } from './ip-ranges.js';

const PATHS: Readonly<Record<IpListKind, string>> = {
  callback: '/cgi-bin/getcallbackip',
  api: '/cgi-bin/get_api_domain_ip',
};

const IpListAnswer = z.object({ ip_list: z.array(z.unknown()) });
/** How many refused entries a log line shows. */
const SHOWN = 5;

/**
 * Asks WeChat for its addresses.
 * @see https://developers.weixin.qq.com/doc/service/api/base/api_getcallbackip.html
 * @see https://developers.weixin.qq.com/doc/service/api/base/api_getapidomainip.html
 */
@Injectable()
export class IpListClient {
  private readonly logger = new Logger(IpListClient.name);

  constructor(
    private readonly tokens: TokenService,
    private readonly wechat: WechatClient,
  ) {}

  /**
   * One call; two where the token turned out to be dead.
   * @returns one range or more
   * @throws WechatCallError; AppError `token_unavailable`, `forbidden` for an account that is gone
   */
  async fetch(appId: string, kind: IpListKind): Promise<IpRange[]> {
    const answer = await this.tokens.use(appId, (token) =>
      this.wechat.get(PATHS[kind], { access_token: token }),
    );
    const { data } = IpListAnswer.safeParse(answer);
    const { ranges, dropped } = toRanges(data?.ip_list ?? []);
    if (dropped.length > 0) {
      this.logger.warn({
        event: 'ip_entries_dropped',
        app_id: appId,
        kind,
        dropped: dropped.length,
        first: dropped
          .slice(0, SHOWN)
          .map((entry) => (typeof entry === 'string' ? entry : JSON.stringify(entry)).slice(0, 50)),
        advice: 'WeChat listed what is neither an address nor a CIDR; the other entries are served',
      });
    }
    if (ranges.length === 0) {
      throw noList(PATHS[kind]);
    }
    return ranges;
  }
}

function noList(path: string): WechatCallError {
  return new WechatCallError(`GET ${path}`, {
    failureClass: 'transient',
    errcode: null,
    errmsg: 'the answer has no ip_list with an address in it',
    advice: 'Nothing to do: it is asked again. Should it go on, ask WeChat.',
    code: 'wechat_error',
    bytesSent: true,
  });
}
