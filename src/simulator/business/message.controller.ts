import { Controller } from '@nestjs/common';
import { Call, WechatCall } from '../wechat/wechat-call.js';
import { TokenEndpoint } from '../wechat/wechat-endpoint.decorator.js';
import { WechatError } from '../wechat/wechat.errors.js';

/** A user who did not subscribe; all others did. */
const NOT_SUBSCRIBED = 'not-subscribed';

/** Messages. All that they want is a live token, a JSON object and, where it matters, to whom. Nothing is sent. */
@Controller()
export class MessageController {
  @TokenEndpoint('POST', '/cgi-bin/message/custom/send')
  send(@Call() call: WechatCall): { errcode: 0; errmsg: 'ok' } {
    if (call.body === '') {
      throw new WechatError(44002);
    }
    if (call.json === undefined) {
      throw new WechatError(47001);
    }
    return { errcode: 0, errmsg: 'ok' };
  }

  @TokenEndpoint('POST', '/cgi-bin/message/subscribe/send')
  sendSubscribed(@Call() call: WechatCall): { errcode: 0; errmsg: 'ok' } {
    const answer = this.send(call);
    const { touser, template_id: templateId } = call.json ?? {};
    if (typeof touser !== 'string' || touser === '') {
      throw new WechatError(40003);
    }
    if (typeof templateId !== 'string' || templateId === '') {
      throw new WechatError(40037);
    }
    if (touser === NOT_SUBSCRIBED) {
      throw new WechatError(43101);
    }
    return answer;
  }
}
