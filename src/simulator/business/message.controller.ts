import { Controller } from '@nestjs/common';
import { Call, WechatCall } from '../wechat/wechat-call.js';
import { TokenEndpoint } from '../wechat/wechat-endpoint.decorator.js';
import { WechatError } from '../wechat/wechat.errors.js';

/** An ordinary business call: all that it wants is a live token and a JSON object. Nothing is sent. */
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
}
