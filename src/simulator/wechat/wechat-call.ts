import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Account } from './account.js';
import type { Fault } from '../faults/fault.dto.js';
import type { JournalEntry } from '../journal/journal.dto.js';
import { isJsonObject, type JsonObject } from './json-object.js';
import { WechatError } from './wechat.errors.js';

/** One call to the simulated WeChat, from its first byte to its end. */
export class WechatCall {
  private bytes: Buffer | null = Buffer.alloc(0);
  /** What goes wrong with it once it has had its effect. */
  lateFault: Fault | undefined;
  /** A fault answered before any controller could. */
  isReplaced = false;
  private tokenOwner: Account | undefined;

  constructor(
    /** Of a parameter given twice, the first value counts. */
    readonly query: URLSearchParams,
    readonly entry: JournalEntry,
    /** As it came; empty where there is none. */
    readonly contentType = '',
  ) {}

  /** The account whose live token the call brought; LiveTokenGuard sets it. */
  get account(): Account {
    if (this.tokenOwner === undefined) {
      throw new Error(`${this.entry.path} is not behind LiveTokenGuard, so it has no account`);
    }
    return this.tokenOwner;
  }

  set account(account: Account) {
    this.tokenOwner = account;
  }

  /** The body as it came; empty where there is none, or while it has not come yet. */
  get rawBody(): Buffer {
    if (this.bytes === null) {
      throw new WechatError(45002);
    }
    return this.bytes;
  }

  /** Null: it came, and was too large to be kept. */
  set rawBody(bytes: Buffer | null) {
    this.bytes = bytes;
  }

  get isTooLarge(): boolean {
    return this.bytes === null;
  }

  /** The same as text. */
  get body(): string {
    return this.rawBody.toString('utf8');
  }

  /** The body as a JSON object, or undefined where it is none. */
  get json(): JsonObject | undefined {
    try {
      const value: unknown = JSON.parse(this.body);
      return isJsonObject(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Kept beside the requests, so that Fastify's own type stays as it is. */
const calls = new WeakMap<object, WechatCall>();

export function remember(request: FastifyRequest, call: WechatCall): void {
  calls.set(request.raw, call);
}

/** Undefined for a call to the control interface. */
export function findCall(request: FastifyRequest): WechatCall | undefined {
  return calls.get(request.raw);
}

export function callOf(context: ExecutionContext): WechatCall {
  const call = findCall(context.switchToHttp().getRequest<FastifyRequest>());
  if (call === undefined) {
    throw new Error('this route is below the control interface, where calls are not kept');
  }
  return call;
}

/** The call, as an argument of a controller's method. */
export const Call = createParamDecorator((_: unknown, context: ExecutionContext) =>
  callOf(context),
);
