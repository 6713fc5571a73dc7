import { Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Client } from '../../access/client-directory.js';
import type { Origin } from '../../audit/origin.js';
import { AppConfig } from '../../config/app-config.js';
import { AppError } from '../../errors/app-error.js';
import { liftBodyLimit } from '../../http/body-limit.js';
import { REQUEST_ID_HEADER } from '../../http/request-id.js';
import { toAppError } from '../../http/to-app-error.js';
import { TokenReportService } from '../access-token/token-report.service.js';
import { TokenService } from '../access-token/token.service.js';
import { AccountService } from '../accounts/account.service.js';
import { readAnswer } from '../api/wechat-answer.js';
import type { CredentialSnapshot } from '../credentials/credential-snapshot.js';
import { AdmissionService } from './admission.service.js';
import type { CallFacts } from './call-facts.js';
import { CallEnd } from './call-end.js';
import { KeptBytes, takeBody, type CallerBody } from './caller-body.js';
import { headersFromWechat, headersToWechat } from './gateway-headers.js';
import { errcodeClass } from './gateway-outcome.js';
import { GatewayRecord } from './gateway-record.js';
import {
  untouched,
  USERS_PATHS,
  withAccessToken,
  withParameter,
  type GatewayTarget,
} from './gateway-target.js';
import { GatewayUpstream } from './gateway-upstream.js';
import type { UpstreamAnswer } from './upstream-answer.js';

/** How long a call waits for a token where there is none, and for a new one where WeChat refused the old. */
const TOKEN_WAIT_MS = 5_000;
const NEW_TOKEN_WAIT_MS = 20_000;

/** A call as a guard has let it through. */
export interface GatewayCall {
  readonly appId: string;
  readonly client: Client;
  readonly target: GatewayTarget;
  readonly origin: Origin;
  readonly request: IncomingMessage;
  /** Written here; where a method throws, nothing of it has been. */
  readonly response: ServerResponse;
}

/** What came of sending it. */
interface Exchanged {
  readonly answer: UpstreamAnswer;
  /** Of an answer that was looked into; 0 where WeChat sent none, undefined where it is no JSON object. */
  readonly errcode: number | undefined;
  /** With which token; undefined where it carried none of ours. */
  readonly snapshot: CredentialSnapshot | undefined;
  /** The token was replaced, but the call could not be repeated. */
  readonly isRefreshed: boolean;
}

/**
 * Calls WeChat for a client, which sees neither token nor AppSecret.
 *
 *   call ─▶ limit ─▶ rule ─▶ quota known to be used up? ─▶ body ─▶ token ─▶ WeChat ─▶ answer
 *                                                                    ▲         │ 40001, 40014, 42001
 *                                                                    └─ report ◀┘ once
 *
 * A report is the passive refresh of the token endpoint: one probe and one refresh, however many calls fail at once.
 * WeChat refuses a token before it acts, so the call may be repeated then, and then alone.
 */
@Injectable()
export class GatewayService {
  private readonly kept = new KeptBytes();

  constructor(
    private readonly config: AppConfig,
    private readonly tokens: TokenService,
    private readonly reports: TokenReportService,
    private readonly accounts: AccountService,
    private readonly admission: AdmissionService,
    private readonly upstream: GatewayUpstream,
    private readonly records: GatewayRecord,
  ) {}

  /**
   * A call that a rule of the client has to allow.
   * @throws AppError `gateway_refused`, `rate_limited`, `payload_too_large`, `length_required`, `token_unavailable`,
   *   `wechat_unreachable`, `wechat_timeout`, `wechat_error`; `forbidden` for an account that is switched off
   */
  async call(call: GatewayCall): Promise<void> {
    await this.recorded(call, async (facts, end) => {
      const { appId, client, target, request } = call;
      this.admit(call);
      const decision = this.admission.decide(client, request.method ?? '', target.path);
      if (!decision.allowed) {
        facts.rule = decision.wouldAllow ?? '-';
        throw new AppError('gateway_refused', decision.detail);
      }
      facts.rule = decision.rule;
      const held = this.admission.quotas.find(appId, target.path);
      if (held === undefined) {
        await this.forward(call, facts, end, (body) => this.exchange(call, facts, body, end));
        return;
      }
      Object.assign(facts, { status: held.status, isHeld: true });
      write(call, held.status, held.headers, held.body);
    });
  }

  /**
   * A login of WeChat's, for which the AppSecret is put in. Nothing of it is kept, repeated or looked at but its errcode.
   * @throws AppError like {@link call}
   */
  async login(call: GatewayCall): Promise<void> {
    await this.recorded(call, async (facts, end) => {
      this.admit(call);
      if (call.request.method !== 'GET') {
        // The router answers HEAD where there is a GET, and a code is good once.
        throw new AppError('method_not_allowed', 'Use GET.', { allow: ['GET'] });
      }
      facts.rule = `GET ${call.target.path}`;
      await this.forward(call, facts, end, async () => {
        const target = withParameter(call.target, 'secret', this.accounts.openSecret(call.appId));
        const answer = await this.send(call, { target, body: { kind: 'none' }, end, facts });
        return { answer, errcode: errcodeOf(answer), snapshot: undefined, isRefreshed: false };
      });
    });
  }

  private async recorded(
    call: GatewayCall,
    work: (facts: CallFacts, end: CallEnd) => Promise<void>,
  ): Promise<void> {
    const { appId, client, origin, response } = call;
    const facts = this.records.begin(appId, client, origin);
    const end = new CallEnd(this.config.gateway.timeoutMs);
    response.once('close', () => {
      end.end('caller_gone');
      facts.isCut = !response.writableFinished;
      this.records.add(facts);
    });
    try {
      await work(facts, end);
    } catch (error) {
      facts.failure = toAppError(error);
      if (facts.failure.code === 'internal_error' || !response.destroyed) {
        throw error;
      }
      // The caller went away, and nobody is left to answer.
    }
  }

  /** A client's calls are counted before they are looked at: a refused one costs as well. @throws AppError */
  private admit({ appId, client }: GatewayCall): void {
    this.tokens.requireForClient(appId);
    const excess = this.admission.count(client);
    if (excess !== undefined) {
      throw new AppError(
        'rate_limited',
        `This client may make ${client.gateway.perMinute} gateway calls a minute. Wait for Retry-After, or ask the operator to raise gateway.per_minute.`,
        excess,
      );
    }
  }

  private async forward(
    call: GatewayCall,
    facts: CallFacts,
    end: CallEnd,
    exchange: (body: CallerBody) => Promise<Exchanged>,
  ): Promise<void> {
    const { request, response } = call;
    liftBodyLimit(request);
    try {
      const body = await takeBody(request, this.config.gateway.maxBodyBytes, this.kept, end);
      let exchanged;
      try {
        exchanged = await exchange(body);
      } finally {
        if (body.kind === 'kept') {
          this.kept.give(body.bytes.length);
        }
      }
      this.answer(call, facts, exchanged);
    } catch (error) {
      if (!request.complete) {
        // What is left of the body would else be taken for the next request.
        response.shouldKeepAlive = false;
      }
      throw error;
    }
  }

  private async exchange(
    call: GatewayCall,
    facts: CallFacts,
    body: CallerBody,
    end: CallEnd,
  ): Promise<Exchanged> {
    if (call.target.path.startsWith(USERS_PATHS)) {
      const answer = await this.send(call, { target: untouched(call.target), body, end, facts });
      return { answer, errcode: errcodeOf(answer), snapshot: undefined, isRefreshed: false };
    }
    const waitMs = Math.min(TOKEN_WAIT_MS, this.config.gateway.timeoutMs / 2);
    const first = this.tokens.current(call.appId) ?? (await this.tokens.read(call.appId, waitMs));
    const exchanged = await this.sendWith(first, call, { body, end, facts });
    const { errcode } = exchanged;
    if (errcodeClass(errcode) !== 'token') {
      return exchanged;
    }
    const second = await this.replacement(call, first, errcode);
    end.moved();
    if (second === undefined) {
      return exchanged;
    }
    if (body.kind === 'streamed') {
      return { ...exchanged, isRefreshed: true };
    }
    facts.isHealed = true;
    return this.sendWith(second, call, { body, end, facts });
  }

  /**
   * @returns the token to use in place of one that WeChat refused; undefined where it is good after all, or none is to
   *   be had: then WeChat's answer stands
   */
  private async replacement(
    { appId, origin }: GatewayCall,
    { version }: CredentialSnapshot,
    errcode: number | undefined,
  ): Promise<CredentialSnapshot | undefined> {
    const reported = { accessToken: undefined, version, errcode, origin };
    const waitMs = Math.min(NEW_TOKEN_WAIT_MS, this.config.gateway.timeoutMs / 2);
    try {
      const { snapshot } = await this.reports.report(appId, reported, waitMs);
      return snapshot.version === version ? undefined : snapshot;
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      // The report has its own line of the log, metric and count.
      return undefined;
    }
  }

  private async sendWith(
    snapshot: CredentialSnapshot,
    call: GatewayCall,
    parts: { readonly body: CallerBody; readonly end: CallEnd; readonly facts: CallFacts },
  ): Promise<Exchanged> {
    const target = withAccessToken(call.target, snapshot.value);
    const answer = await this.send(call, { ...parts, target });
    const errcode = errcodeOf(answer);
    if (errcodeClass(errcode) === 'quota' && Buffer.isBuffer(answer.body)) {
      const { status, headers, body } = answer;
      const passed = { status, headers: headersFromWechat(headers), body };
      this.admission.quotas.remember(call.appId, call.target.path, passed);
    }
    return { answer, errcode, snapshot, isRefreshed: false };
  }

  private async send(
    { request: { method = '', headers } }: GatewayCall,
    {
      target,
      body,
      end,
      facts,
    }: {
      readonly target: string;
      readonly body: CallerBody;
      readonly end: CallEnd;
      readonly facts: CallFacts;
    },
  ): Promise<UpstreamAnswer> {
    const lengthBytes = lengthOf(body);
    const sentAtMs = performance.now();
    try {
      const passed = headersToWechat(headers, lengthBytes);
      return await this.upstream.send({ method, target, headers: passed, body, end });
    } finally {
      facts.upstreamMs += performance.now() - sentAtMs;
      facts.sentBytes += lengthBytes ?? 0;
    }
  }

  private answer(call: GatewayCall, facts: CallFacts, exchanged: Exchanged): void {
    const { answer, errcode, snapshot, isRefreshed } = exchanged;
    const { status, headers, body } = answer;
    Object.assign(facts, { status, errcode, answer });
    const passed = headersFromWechat(headers);
    if (snapshot !== undefined) {
      passed['token-version'] = String(snapshot.version);
    }
    if (isRefreshed) {
      passed['token-refreshed'] = 'true';
    }
    const length = headers['content-length'];
    if (length !== undefined && (!Buffer.isBuffer(body) || call.request.method === 'HEAD')) {
      passed['content-length'] = length;
    }
    write(call, status, passed, body);
  }
}

/** Node's own response: Fastify would make two pieces of head and body, and would add a type where WeChat gave none. */
function write(
  { request, response, origin }: GatewayCall,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Buffer | Readable,
): void {
  const head = [
    ...['x-content-type-options', 'nosniff', REQUEST_ID_HEADER, origin.requestId],
    ...['cache-control', 'no-store'],
    ...Object.entries(headers).flat(),
  ];
  const isBodiless = request.method === 'HEAD' || status === 204 || status === 304;
  if (!Buffer.isBuffer(body)) {
    response.writeHead(status, head);
    // An answer that breaks off must not look complete. The record says that it was cut.
    body.once('error', () => response.destroy()).pipe(response);
  } else if (isBodiless) {
    response.writeHead(status, head).end();
  } else {
    head.push('content-length', String(body.length));
    // As text, Node sends head and body in one piece.
    response.writeHead(status, head).end(body.toString('latin1'), 'latin1');
  }
}

function lengthOf(body: CallerBody): number | undefined {
  switch (body.kind) {
    case 'none':
      return undefined;
    case 'kept':
      return body.bytes.length;
    case 'streamed':
      return body.lengthBytes;
  }
}

/** Of a small answer, whatever its Content-Type says. Undefined for what is no JSON object. */
function errcodeOf({ body }: UpstreamAnswer): number | undefined {
  if (!Buffer.isBuffer(body)) {
    return undefined;
  }
  return body.includes('"errcode"') ? readAnswer(body)?.errcode : undefined;
}
