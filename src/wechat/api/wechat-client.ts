import { HttpService } from '@nestjs/axios';
import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { type CallFacts, acceptAnswer, brokenOff, unreachable } from './call-outcome.js';
import type { CallKind } from './errcode-table.js';
import { secretsOf } from './errmsg.js';
import { type OutboundRequest, exchange } from './http-exchange.js';
import { WechatApiMetrics } from './wechat-api.metrics.js';
import type { WechatAnswer } from './wechat-answer.js';

export type { WechatAnswer } from './wechat-answer.js';

export interface CallOptions {
  /** `fetch` for a call that shows the AppSecret: errcode 40001 is then about the secret. Default `api`. */
  readonly call?: CallKind;
  /** Milliseconds for the whole call, fail-over included. Default 2 × `WECHAT_TIMEOUT_MS`. */
  readonly deadlineMs?: number;
  /** Ends the call early; it then fails as `wechat_timeout`. */
  readonly signal?: AbortSignal;
}

export type WechatQuery = Readonly<Record<string, string>>;
export type WechatBody = Readonly<Record<string, unknown>>;

/** With less time left, a host would be cut off just after it got the request: an unknown outcome for nothing. */
const LEAST_ATTEMPT_MS = 50;

/**
 * Calls WeChat's server API.
 *
 * The hosts of `WECHAT_API_BASE_URL` are tried in order, the next one only where nothing was sent to the one before: a
 * request that may have arrived may have minted a token, and a second one would kill that.
 */
@Injectable()
export class WechatClient {
  private readonly logger = new Logger(WechatClient.name);

  constructor(
    private readonly config: AppConfig,
    private readonly http: HttpService,
    private readonly metrics: WechatApiMetrics,
  ) {}

  /**
   * @param path such as `/cgi-bin/token`, without a query
   * @returns the answer of a call that succeeded: a JSON object with no errcode, or errcode 0
   * @throws WechatCallError
   */
  get(path: string, query: WechatQuery, options: CallOptions = {}): Promise<WechatAnswer> {
    const facts = { name: `GET ${path}`, kind: options.call ?? 'api', secrets: secretsOf(query) };
    const request = { method: 'GET', target: target(path, query), body: undefined } as const;
    return this.metrics.measure(path, () => this.callHosts(request, facts, options));
  }

  /** Like `get`, with a JSON body. */
  post(
    path: string,
    query: WechatQuery,
    body: WechatBody,
    options: CallOptions = {},
  ): Promise<WechatAnswer> {
    const facts = {
      name: `POST ${path}`,
      kind: options.call ?? 'api',
      secrets: secretsOf(query, body),
    };
    // One buffer, and so a Content-Length: WeChat answers a chunked body with HTTP 412.
    const buffer = Buffer.from(JSON.stringify(body));
    const request = { method: 'POST', target: target(path, query), body: buffer } as const;
    return this.metrics.measure(path, () => this.callHosts(request, facts, options));
  }

  private async callHosts(
    request: OutboundRequest,
    facts: CallFacts,
    options: CallOptions,
  ): Promise<WechatAnswer> {
    const { baseUrls, timeoutMs } = this.config.wechat;
    // The real time, not the Clock's: a socket waits in real time.
    const deadline = performance.now() + (options.deadlineMs ?? 2 * timeoutMs);
    const reasons: string[] = [];
    for (const origin of baseUrls) {
      const leftMs = Math.floor(deadline - performance.now());
      if (leftMs < LEAST_ATTEMPT_MS) {
        break;
      }
      const outcome = await exchange(this.http, {
        origin,
        request,
        route: this.config.wechat,
        timeoutMs: Math.min(timeoutMs, leftMs),
        signal: options.signal,
      });
      if (outcome.kind === 'answered') {
        return acceptAnswer(outcome, facts);
      }
      if (outcome.bytesSent || outcome.cause === 'given_up') {
        throw brokenOff(outcome, facts);
      }
      const { host } = new URL(origin);
      const { reason } = outcome;
      reasons.push(`${host}: ${reason}`);
      this.logger.warn({ event: 'wechat_host_unreachable', call: facts.name, host, reason });
    }
    throw unreachable(reasons, facts);
  }
}

function target(path: string, query: WechatQuery): string {
  if (!path.startsWith('/')) {
    throw new TypeError('The path of a call must begin with a slash, or it would alter the host.');
  }
  const encoded = new URLSearchParams(query).toString();
  return encoded === '' ? path : `${path}?${encoded}`;
}
