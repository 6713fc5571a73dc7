import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Call, WechatCall } from '../wechat/wechat-call.js';
import { TokenEndpoint } from '../wechat/wechat-endpoint.decorator.js';
import { WechatError } from '../wechat/wechat.errors.js';

/** One transparent pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

/** A picture where all is well, a JSON error with HTTP 200 where not: the caller has to look. */
@Controller()
export class MiniProgramCodeController {
  @TokenEndpoint('POST', '/wxa/getwxacode')
  limited(@Call() call: WechatCall, @Res({ passthrough: true }) reply: FastifyReply): Buffer {
    return picture(call, reply, { field: 'path', longest: 1_024, errcode: 40159 });
  }

  @TokenEndpoint('POST', '/wxa/getwxacodeunlimit')
  unlimited(@Call() call: WechatCall, @Res({ passthrough: true }) reply: FastifyReply): Buffer {
    return picture(call, reply, { field: 'scene', longest: 32, errcode: 40169 });
  }
}

function picture(
  call: WechatCall,
  reply: FastifyReply,
  { field, longest, errcode }: { field: string; longest: number; errcode: number },
): Buffer {
  const text = call.json?.[field];
  if (typeof text !== 'string' || text === '' || text.length > longest) {
    throw new WechatError(errcode);
  }
  void reply.header('content-type', 'image/png');
  return PNG;
}
