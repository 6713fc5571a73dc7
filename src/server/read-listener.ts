import {
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { KeyAuthentication } from '../access/key-authentication.js';
import { bearerKey } from '../access/presented-key.js';
import { ReadCountModule } from '../audit/read-count.module.js';
import { ReadCounter } from '../audit/read-counter.js';
import { AppConfig } from '../config/app-config.js';
import { DatabaseClock } from '../database/database-clock.js';
import { HttpMetrics } from '../http/http.metrics.js';
import { RequestsModule } from '../http/requests.module.js';
import { nextRequestId, REQUEST_ID_HEADER } from '../http/request-id.js';
import { hopsOf, trustOnly, type AddressedRequest } from '../http/source-address.js';
import type { Durations } from '../observability/durations.js';
import { READ_PATH } from '../wechat/access-token/access-token.controller.js';
import { AccessTokenModule } from '../wechat/access-token/access-token.module.js';
import { remainingLife } from '../wechat/access-token/conditional-read.js';
import { tokenText } from '../wechat/access-token/token-answer.js';
import { TokenService } from '../wechat/access-token/token.service.js';
import { ServerFactory } from './server-factory.js';

const PREFIX = '/v1/accounts/';
const SUFFIX = '/access-token';

/** What of a plain read's headers counts; everything else of them changes nothing in the answer. */
interface PlainHeaders {
  key: string | undefined;
  ifNoneMatch: string | undefined;
  forwardedFor: string | undefined;
}

/**
 * Answers the one simple case of the token read before Fastify sees it: GET, the exact path, no query, one key that
 * is valid and may read this account, and a token in memory.
 *
 *   request ─▶ answer(…) ─ false ─▶ Fastify ─▶ Nest's route, which defines what a read means
 *                 └─ true: answered
 *
 * It refuses nothing and makes no error: whatever is not plainly good goes to Nest untouched. Without this file the
 * answers are the same, byte for byte, and slower (docs/adr/0009; test/read-listener.e2e.ts holds them equal).
 */
@Injectable()
class ReadListener implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly durations: Readonly<Record<'answered' | 'unchanged', Durations>>;
  private isClosing = false;
  private readonly isProxy: ((address: string | undefined) => boolean) | undefined;

  constructor(
    private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly tokens: TokenService,
    private readonly keys: KeyAuthentication,
    private readonly counter: ReadCounter,
    private readonly clock: DatabaseClock,
    http: HttpMetrics,
    { http: { trustedProxies } }: AppConfig,
  ) {
    this.durations = {
      answered: http.durations('GET', `/${READ_PATH}`, 200),
      unchanged: http.durations('GET', `/${READ_PATH}`, 304),
    };
    this.isProxy = trustedProxies.length > 0 ? trustOnly(trustedProxies) : undefined;
  }

  onApplicationBootstrap(): void {
    const { server } = this.host.httpAdapter.getInstance<FastifyInstance>();
    ServerFactory.of(server)?.answerFirst((request, response) => this.answer(request, response));
  }

  /** From then on Fastify answers, since it sends `Connection: close`. */
  onModuleDestroy(): void {
    this.isClosing = true;
  }

  /** @returns false, and has touched nothing, unless it answered */
  private answer(request: IncomingMessage, response: ServerResponse): boolean {
    const startedMs = performance.now();
    const appId = appIdOf(request);
    const headers = appId === undefined ? undefined : plainHeaders(request.rawHeaders);
    if (appId === undefined || headers?.key === undefined || this.isClosing) {
      return false;
    }
    const nowMs = this.clock.nowMs();
    const snapshot = this.tokens.current(appId, nowMs);
    const client = this.keys.admittedClient(this.addressed(request, headers), headers.key);
    if (
      snapshot === undefined ||
      client?.scopes.has('token:read') !== true ||
      (client.accounts !== 'all' && !client.accounts.has(appId))
    ) {
      return false;
    }
    const { ifNoneMatch } = headers;
    if (ifNoneMatch !== undefined && ifNoneMatch !== snapshot.etag) {
      return false;
    }
    this.counter.count(client, snapshot);
    if (ifNoneMatch !== undefined) {
      response.writeHead(304, commonHead(snapshot.etag)).end();
      this.durations.unchanged.observe(performance.now() - startedMs);
      return true;
    }
    const text = tokenText(
      snapshot,
      remainingLife(snapshot, this.tokens.trustLeftMs(snapshot, nowMs), nowMs),
    );
    const length = String(text.length + snapshot.template.extraBytes);
    const head = commonHead(snapshot.etag);
    head.push('content-type', 'application/json; charset=utf-8', 'content-length', length);
    response.writeHead(200, head).end(text);
    this.durations.answered.observe(performance.now() - startedMs);
    return true;
  }

  /** As Fastify's `request.ip` and `request.ips` are. */
  private addressed(
    { socket: { remoteAddress } }: IncomingMessage,
    { forwardedFor }: PlainHeaders,
  ): AddressedRequest {
    return this.isProxy === undefined
      ? { ip: remoteAddress }
      : { ips: hopsOf(remoteAddress, forwardedFor, this.isProxy) };
  }
}

@Module({
  imports: [AccessTokenModule, ReadCountModule, RequestsModule],
  providers: [ReadListener],
})
export class ReadListenerModule {}

/** Names and values in turn, the form in which Node copies nothing. */
function commonHead(etag: string): string[] {
  return [
    'x-content-type-options',
    'nosniff',
    REQUEST_ID_HEADER,
    nextRequestId(),
    'cache-control',
    'no-store',
    'etag',
    etag,
  ];
}

/** What stands for the account in the path of a plain read: no account may be named so, or none at all. */
function appIdOf({ method, url = '', httpVersion }: IncomingMessage): string | undefined {
  const isRead =
    method === 'GET' && httpVersion === '1.1' && url.startsWith(PREFIX) && url.endsWith(SUFFIX);
  return isRead ? url.slice(PREFIX.length, -SUFFIX.length) : undefined;
}

/** @param raw names and values in turn, as they came. @returns undefined where one of them is for Nest to judge */
function plainHeaders(raw: readonly string[]): PlainHeaders | undefined {
  const plain: PlainHeaders = { key: undefined, ifNoneMatch: undefined, forwardedFor: undefined };
  let hosts = 0;
  for (let index = 0; index < raw.length; index += 2) {
    const value = raw[index + 1] ?? '';
    switch (raw[index]?.toLowerCase()) {
      case 'host':
        hosts += 1;
        break;
      case 'authorization':
      case 'x-api-key': {
        const key = raw[index]?.length === 'x-api-key'.length ? value : bearerKey(value);
        if (plain.key !== undefined || key === undefined || key === '') {
          return undefined;
        }
        plain.key = key;
        break;
      }
      case 'if-none-match':
        if (plain.ifNoneMatch !== undefined) {
          return undefined;
        }
        plain.ifNoneMatch = value;
        break;
      case 'x-forwarded-for':
        if (plain.forwardedFor !== undefined) {
          return undefined;
        }
        plain.forwardedFor = value;
        break;
      case 'x-request-id':
      case 'expect':
      case 'upgrade':
      case 'content-length':
      case 'transfer-encoding':
        return undefined;
      case undefined:
    }
  }
  return hosts === 1 ? plain : undefined;
}
