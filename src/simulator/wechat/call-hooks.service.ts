import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppIdSchema } from '../control/account.dto.js';
import { AccountsService } from './accounts.service.js';
import { isControlPath } from '../control/control-path.js';
import { tagOf } from './credential-text.js';
import { WECHAT_JSON } from '../faults/fault-answer.js';
import { FaultStrikeService } from '../faults/fault-strike.service.js';
import { plainAddress } from './ip-allow-list.js';
import { JournalService } from '../journal/journal.service.js';
import { redactedHeaders, redactedQuery } from './redaction.js';
import { readBody } from './request-body.js';
import { WechatCall, findCall, remember } from './wechat-call.js';

/** In the place of the Content-Type of a call to WeChat: Fastify leaves its body alone. */
const UNREAD = 'application/x-unread';

/**
 * What happens around every call to WeChat, whichever controller answers it: the journal from the first
 * byte to the last, its body, and the faults. All concern the connection, hence hooks of the server's own: one that
 * does not call `done` has taken the connection over.
 *
 * onRequest: the entry begins · preHandler: a fault may strike before the body is read, or once it is here and
 * before the effect · the controllers · onSend: a fault may strike after it, the entry ends.
 */
@Injectable()
export class CallHooksService {
  constructor(
    private readonly journal: JournalService,
    private readonly accounts: AccountsService,
    private readonly strike: FaultStrikeService,
  ) {}

  attachTo(server: FastifyInstance): void {
    // WeChat reads a body as it is, with any method and whatever its Content-Type says; Fastify would not.
    server.addContentTypeParser(UNREAD, (_request, _body, done) => {
      done(null, undefined);
    });

    server.addHook('onRequest', (request, reply, done) => {
      if (this.begin(request, reply)) {
        done();
      }
    });

    server.addHook('preHandler', (request, reply, done) => {
      const call = findCall(request);
      if (call === undefined) {
        done();
        return;
      }
      this.admit(call, request, reply).then((goesOn) => {
        if (goesOn) {
          done();
        }
      }, done);
    });

    server.addHook('onSend', (request, reply, payload, done) => {
      const call = findCall(request);
      if (call === undefined || (typeof payload !== 'string' && !Buffer.isBuffer(payload))) {
        this.end(call, reply);
        done();
        return;
      }
      this.finish(call, reply, payload).then((body) => {
        if (body !== undefined) {
          done(null, body);
        }
      }, done);
    });
  }

  /** False: the call has had its answer. */
  private begin(request: FastifyRequest, reply: FastifyReply): boolean {
    const { path, query } = splitUrl(request.url);
    if (isControlPath(path)) {
      return true;
    }
    const parameters = new URLSearchParams(query);
    const secrets = this.accounts.secrets();
    const entry = this.journal.begin({
      method: request.method,
      path,
      raw_query: redactedQuery(query, secrets),
      query_keys: [...new Set(parameters.keys())].sort(),
      headers: redactedHeaders(request.headers, secrets),
      caller_ip: plainAddress(request.ip),
    });
    const contentType = request.headers['content-type'] ?? '';
    request.headers['content-type'] = UNREAD;
    remember(request, new WechatCall(parameters, entry, contentType));
    reply.raw.once('close', () => {
      // A scripted answer ends only here; any other has ended by now.
      const { writableFinished: isWhole, statusCode } = reply.raw;
      const outcome = isWhole ? 'answered' : 'client_left';
      this.journal.end(entry, { outcome, status: isWhole ? statusCode : null });
    });
    if (request.headers['transfer-encoding'] !== undefined) {
      // WeChat's edge wants a Content-Length, and says so with a bare 412.
      void reply.code(412).send();
      return false;
    }
    return true;
  }

  /** False: a fault took the connection over, or the caller has gone. */
  private async admit(
    call: WechatCall,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<boolean> {
    this.identify(call);
    if (!(await this.strike.beforeBody(call, reply))) {
      return false;
    }
    const body = await readBody(request.raw, call.entry.path);
    call.rawBody = body.bytes;
    this.journal.record(call.entry, { body_bytes: body.length, body_sha256: body.sha256 });
    this.identify(call);
    return body.isComplete && this.strike.before(call, reply);
  }

  /** Finds out whose call it is, before anything judges its credentials. */
  private identify(call: WechatCall): void {
    const token = call.query.get('access_token');
    if (token !== null && token !== '') {
      const owner = this.accounts.findByToken(token);
      this.journal.record(call.entry, { token_tag: tagOf(token), app_id: owner?.appId ?? null });
      return;
    }
    // What is no AppID may be anything, a secret in the wrong place among it.
    const appId = AppIdSchema.safeParse(call.query.get('appid') ?? call.json?.appid);
    this.journal.record(call.entry, { app_id: appId.data ?? null });
  }

  private async finish(
    call: WechatCall,
    reply: FastifyReply,
    payload: string | Buffer,
  ): Promise<string | Buffer | undefined> {
    if (!call.isReplaced && reply.statusCode === 200) {
      this.journal.record(call.entry, { errcode: call.entry.errcode ?? 0 });
      if (typeof payload === 'string') {
        void reply.header('content-type', WECHAT_JSON);
      }
    }
    const body = await this.strike.after(call, reply, payload);
    if (body !== undefined) {
      this.end(call, reply);
    }
    return body;
  }

  private end(call: WechatCall | undefined, reply: FastifyReply): void {
    if (call !== undefined) {
      this.journal.end(call.entry, { outcome: 'answered', status: reply.statusCode });
    }
  }
}

function splitUrl(url: string): { path: string; query: string } {
  const end = url.indexOf('?');
  return end === -1
    ? { path: url, query: '' }
    : { path: url.slice(0, end), query: url.slice(end + 1) };
}
