import { Controller } from '@nestjs/common';
import { z } from 'zod';
import type { Draft } from './draft-box.js';
import { isJsonObject, type JsonObject } from '../wechat/json-object.js';
import { Call, WechatCall } from '../wechat/wechat-call.js';
import { TokenEndpoint } from '../wechat/wechat-endpoint.decorator.js';
import { WechatError } from '../wechat/wechat.errors.js';

const AddBody = z.object({
  articles: z
    .array(z.custom<JsonObject>((value) => isJsonObject(value)))
    .min(1)
    .max(8),
});
const OneBody = z.object({ media_id: z.string() });
const PageBody = z.object({
  offset: z.int().nonnegative(),
  count: z.int().min(1).max(20),
  no_content: z.union([z.literal(0), z.literal(1)]).default(0),
});

interface Content {
  news_item: readonly JsonObject[];
  create_time: number;
  update_time: number;
}

interface Page {
  total_count: number;
  item_count: number;
  item: { media_id: string; content: Partial<Content>; update_time: number }[];
}

/** Drafts of articles, in WeChat's shape; what an article must hold is not checked. */
@Controller()
export class DraftController {
  @TokenEndpoint('POST', '/cgi-bin/draft/add')
  add(@Call() call: WechatCall): { media_id: string } {
    const { articles } = read(call, AddBody);
    return { media_id: call.account.drafts.add(articles).mediaId };
  }

  @TokenEndpoint('POST', '/cgi-bin/draft/get')
  show(@Call() call: WechatCall): Content {
    const draft = call.account.drafts.find(read(call, OneBody).media_id);
    if (draft === undefined) {
      throw new WechatError(40007);
    }
    return contentOf(draft);
  }

  @TokenEndpoint('POST', '/cgi-bin/draft/batchget')
  list(@Call() call: WechatCall): Page {
    const { offset, count, no_content: noContent } = read(call, PageBody);
    const all = call.account.drafts.all();
    const page = all.slice(offset, offset + count);
    return {
      total_count: all.length,
      item_count: page.length,
      item: page.map((draft) => ({
        media_id: draft.mediaId,
        content: noContent === 1 ? {} : contentOf(draft),
        update_time: draft.createdAt,
      })),
    };
  }

  @TokenEndpoint('POST', '/cgi-bin/draft/delete')
  remove(@Call() call: WechatCall): { errcode: 0; errmsg: 'ok' } {
    if (!call.account.drafts.delete(read(call, OneBody).media_id)) {
      throw new WechatError(40007);
    }
    return { errcode: 0, errmsg: 'ok' };
  }
}

function contentOf({ articles, createdAt }: Draft): Content {
  return { news_item: articles, create_time: createdAt, update_time: createdAt };
}

function read<Body>(call: WechatCall, schema: z.ZodType<Body>): Body {
  if (call.body === '') {
    throw new WechatError(44002);
  }
  const body = schema.safeParse(call.json);
  if (!body.success) {
    throw new WechatError(47001);
  }
  return body.data;
}
