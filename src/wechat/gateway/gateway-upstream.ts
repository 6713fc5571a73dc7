import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Readable } from 'node:stream';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { AppConfig } from '../../config/app-config.js';
import { addressLimitMs } from '../../time/address-limit.js';
import { safeCode } from '../api/http-exchange.js';
import { isExcludedFromProxy } from '../api/no-proxy.js';
import type { CallEnd } from './call-end.js';
import { pieces, type CallerBody } from './caller-body.js';
import { callBroken, callNotSent } from './gateway.errors.js';
import { AnswerReceiver, type UpstreamAnswer } from './upstream-answer.js';

/** One call, ready to be sent. */
export interface OutgoingCall {
  readonly method: string;
  /** Path and query: the query holds a token or the AppSecret. Never log it. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: CallerBody;
  readonly end: CallEnd;
}

/** Connections to one host of WeChat; further calls wait for one that is free. */
const CONNECTIONS = 256;

/**
 * Sends calls of clients to WeChat, over connections that are kept. The hosts of `WECHAT_API_BASE_URL` are tried in
 * order, the next one only where nothing was sent to the one before.
 *
 * Apart from wechat/api: a fetch of the engine must know whether its request may have arrived, also when a kept
 * connection is reset, and so makes a connection of its own.
 */
@Injectable()
export class GatewayUpstream implements OnApplicationShutdown {
  private readonly hosts: readonly { readonly origin: string; readonly dispatcher: Dispatcher }[];
  private readonly maxBytes: number;

  constructor({ gateway, wechat: { baseUrls, timeoutMs, httpsProxy, noProxy } }: AppConfig) {
    const options: Agent.Options = {
      connections: CONNECTIONS,
      pipelining: 1,
      // Both are the call's to keep: CallEnd counts from the last byte in either direction.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: timeoutMs, autoSelectFamilyAttemptTimeout: addressLimitMs(timeoutMs) },
    };
    const direct = new Agent(options);
    const proxy =
      httpsProxy === undefined ? direct : new ProxyAgent({ ...options, uri: httpsProxy });
    this.maxBytes = gateway.maxBodyBytes;
    this.hosts = baseUrls.map((origin) => {
      const url = new URL(origin);
      const isDirect = url.protocol === 'http:' || isExcludedFromProxy(url, noProxy);
      return { origin, dispatcher: isDirect ? direct : proxy };
    });
  }

  async onApplicationShutdown(): Promise<void> {
    const agents = new Set(this.hosts.map(({ dispatcher }) => dispatcher));
    await Promise.all([...agents].map((agent) => agent.destroy()));
  }

  /**
   * @returns the answer as soon as its headers are there, or whole where it is small
   * @throws AppError `wechat_unreachable`, `wechat_timeout`, `wechat_error`: each says whether WeChat may have acted
   */
  async send(call: OutgoingCall): Promise<UpstreamAnswer> {
    const reasons: string[] = [];
    for (const { origin, dispatcher } of this.hosts) {
      const receiver = new AnswerReceiver(call.end, this.maxBytes);
      try {
        return await attempt(dispatcher, origin, call, receiver);
      } catch (error) {
        if (receiver.isSent || call.end.reason !== undefined) {
          throw callBroken(error, call.end.reason, receiver.isSent);
        }
        reasons.push(`${new URL(origin).host}: ${safeCode(error)}`);
      }
    }
    throw callNotSent(reasons);
  }
}

function attempt(
  dispatcher: Dispatcher,
  origin: string,
  { method, target, headers, body, end }: OutgoingCall,
  receiver: AnswerReceiver,
): Promise<UpstreamAnswer> {
  const { answer } = receiver;
  dispatcher.dispatch(
    { origin, path: target, method, headers, body: outgoingBody(body, end) },
    receiver,
  );
  return answer;
}

function outgoingBody(body: CallerBody, end: CallEnd): Buffer | Readable | null {
  switch (body.kind) {
    case 'none':
      return null;
    case 'kept':
      return body.bytes;
    case 'streamed':
      return Readable.from(pieces(body.request, end), { objectMode: false });
  }
}
