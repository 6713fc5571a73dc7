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
import { WechatCall, findCall, remember } from './wechat-call.js';

/**
 * What happens around every call to WeChat, whichever controller answers it: the journal from the first
 * byte to the last, and the faults. Both concern the connection, hence hooks of the server's own: one that
 * does not call `done` has taken the connection over.
 *
 * onRequest: the entry begins · preHandler: the body is here, a fault may strike before the effect ·
 * the controllers · onSend: a fault may strike after it, the entry ends.
 */
@Injectable()
export class CallHooksService {
  constructor(
    private readonly journal: JournalService,
    private readonly accounts: AccountsService,
    private readonly strike: FaultStrikeService,
  ) {}

  attachTo(server: FastifyInstance): void {
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
      this.identify(call, request);
      this.strike.before(call, reply).then((goesOn) => {
        if (goesOn) {
          done();
        }
      }, done);
    });

    server.addHook('onSend', (request, reply, payload, done) => {
      const call = findCall(request);
      if (call === undefined || typeof payload !== 'string') {
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
    const [path = '', query = ''] = request.url.split('?', 2);
    if (isControlPath(path)) {
      return true;
    }
    const parameters = new URLSearchParams(query);
    const entry = this.journal.begin({
      method: request.method,
      path,
      query_keys: [...new Set(parameters.keys())].sort(),
      caller_ip: plainAddress(request.ip),
    });
    remember(request, new WechatCall(parameters, entry));
    reply.raw.once('close', () => {
      this.journal.end(entry, { outcome: 'client_left', status: null });
    });
    if (request.headers['transfer-encoding'] !== undefined) {
      // WeChat's edge wants a Content-Length, and says so with a bare 412.
      void reply.code(412).send();
      return false;
    }
    return true;
  }

  /** Finds out whose call it is, before anything judges its credentials. */
  private identify(call: WechatCall, request: FastifyRequest): void {
    call.body = typeof request.body === 'string' ? request.body : '';
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
    payload: string,
  ): Promise<string | undefined> {
    if (!call.isReplaced && reply.statusCode === 200) {
      this.journal.record(call.entry, { errcode: call.entry.errcode ?? 0 });
      void reply.header('content-type', WECHAT_JSON);
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
