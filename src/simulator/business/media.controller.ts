import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { extname } from 'node:path';
import type { MediaFile } from './media-box.js';
import { SimulatedClock } from '../simulated-clock.js';
import { Call, WechatCall } from '../wechat/wechat-call.js';
import { TokenEndpoint } from '../wechat/wechat-endpoint.decorator.js';
import { WechatError } from '../wechat/wechat.errors.js';

const TYPES = ['image', 'voice', 'video', 'thumb'];

/** Marked as deprecated for servers, since it reads all into memory: here that is 10 MiB at most. */
interface Multipart {
  formData(): Promise<FormData>;
}

interface Uploaded {
  type: string;
  media_id?: string;
  thumb_media_id?: string;
  created_at: number;
}

/** Files in a multipart body, in the field `media`. Which formats and sizes a type may have is not checked. */
@Controller()
export class MediaController {
  constructor(private readonly clock: SimulatedClock) {}

  @TokenEndpoint('POST', '/cgi-bin/media/upload')
  async upload(@Call() call: WechatCall): Promise<Uploaded> {
    const type = typeOf(call);
    const mediaId = call.account.media.add(await fileOf(call));
    return {
      type,
      ...(type === 'thumb' ? { thumb_media_id: mediaId } : { media_id: mediaId }),
      created_at: Math.floor(this.clock.nowMs() / 1_000),
    };
  }

  @TokenEndpoint('POST', '/cgi-bin/material/add_material')
  async addMaterial(@Call() call: WechatCall): Promise<{ media_id: string; url?: string }> {
    const type = typeOf(call);
    const mediaId = call.account.media.add(await fileOf(call));
    // Of a picture, WeChat tells the address too.
    return {
      media_id: mediaId,
      ...(type === 'image' && { url: `http://mmbiz.qpic.cn/mmbiz_png/${mediaId}/0` }),
    };
  }

  @TokenEndpoint('GET', '/cgi-bin/media/get')
  download(@Call() call: WechatCall, @Res({ passthrough: true }) reply: FastifyReply): Buffer {
    const mediaId = call.query.get('media_id') ?? '';
    const file = call.account.media.find(mediaId);
    if (file === undefined) {
      throw new WechatError(40007);
    }
    void reply.headers({
      'content-type': file.contentType,
      'content-disposition': `attachment; filename="${mediaId}${file.extension}"`,
    });
    return file.bytes;
  }
}

function typeOf(call: WechatCall): string {
  const type = call.query.get('type') ?? '';
  if (!TYPES.includes(type)) {
    throw new WechatError(40004);
  }
  return type;
}

async function fileOf(call: WechatCall): Promise<MediaFile> {
  if (call.isTooLarge) {
    throw new WechatError(45001);
  }
  const body: Multipart = new Response(call.rawBody, {
    headers: { 'content-type': call.contentType },
  });
  const form = await body.formData().catch(() => undefined);
  const media = form?.get('media');
  // A field without a file name is text to everybody who reads multipart.
  if (media === null || media === undefined || typeof media === 'string') {
    throw new WechatError(41005);
  }
  return {
    bytes: Buffer.from(await media.arrayBuffer()),
    contentType: media.type || 'application/octet-stream',
    extension: /^\.[A-Za-z0-9]{1,8}$/.exec(extname(media.name))?.[0] ?? '',
  };
}
