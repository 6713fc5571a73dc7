import type { FaultSpec } from './fault.dto.js';
import { isJsonObject, type JsonObject } from '../wechat/json-object.js';
import { errorBody, wechatErrorFor } from '../wechat/wechat.errors.js';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** As WeChat writes it: `encoding`, not `charset`. */
export const WECHAT_JSON = 'application/json; encoding=utf-8';

/** What a fault sends in the place of WeChat's answer; undefined where it replaces none. */
export function replacementOf(
  fault: FaultSpec,
  call: { path: string; ip: string },
  nowMs: number,
): Answer | undefined {
  switch (fault.kind) {
    case 'errcode': {
      const { errcode, errmsg } = fault;
      const body =
        errmsg === undefined
          ? errorBody(wechatErrorFor(errcode, call), nowMs)
          : { errcode, errmsg };
      return answer(200, WECHAT_JSON, JSON.stringify(body));
    }
    case 'status':
      return answer(fault.status, fault.content_type, fault.body);
    case 'html':
      return answer(200, 'text/html; charset=utf-8', fault.body);
    case 'redirect': {
      const redirect = answer(fault.status, 'text/html', '');
      redirect.headers.location = fault.location;
      return redirect;
    }
    case 'answer':
    case 'delay':
    case 'hang':
    case 'reset_before':
    case 'reset_after':
    case 'truncated':
    case 'oversized':
    case 'expires_in':
      return undefined;
  }
}

/** WeChat's answer, spoilt. What a fault does not spoil, it leaves as it is. */
export function spoil(fault: FaultSpec, body: string | Buffer): string | Buffer {
  if (fault.kind === 'truncated') {
    return firstHalf(body);
  }
  if (typeof body !== 'string') {
    return body;
  }
  if (fault.kind === 'oversized') {
    // Still good JSON: its size is all that is wrong with it.
    return edit(body, (fields) => ({ ...fields, padding: 'x'.repeat(fault.bytes) }));
  }
  if (fault.kind === 'expires_in') {
    // JSON.stringify leaves out what is undefined.
    return edit(body, (fields) => ({ ...fields, expires_in: fault.value }));
  }
  return body;
}

export function firstHalf<Body extends string | Buffer>(body: Body): Body {
  const end = Math.ceil(body.length / 2);
  return (typeof body === 'string' ? body.slice(0, end) : body.subarray(0, end)) as Body;
}

function edit(body: string, change: (fields: JsonObject) => JsonObject): string {
  const value: unknown = JSON.parse(body);
  return isJsonObject(value) ? JSON.stringify(change(value)) : body;
}

function answer(status: number, contentType: string, body: string): Answer {
  return { status, headers: { 'content-type': contentType }, body };
}
