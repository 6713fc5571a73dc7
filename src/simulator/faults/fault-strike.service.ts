import { Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { WECHAT_JSON, firstHalf, replacementOf, spoil } from './fault-answer.js';
import type { Answer } from './fault-answer.js';
import { strikesAfterTheEffect } from './fault.dto.js';
import type { Fault, FaultSpec } from './fault.dto.js';
import { FaultService } from './fault.service.js';
import { sendScripted } from './scripted-answer.js';
import { JournalService } from '../journal/journal.service.js';
import { SimulatedClock } from '../simulated-clock.js';
import type { WechatCall } from '../wechat/wechat-call.js';

/**
 * What a fault does to its call.
 *
 * `before` stands in front of the controllers, `after` behind them: in between, tokens are minted and quotas
 * spent. Each says whether the call goes on its way; if not, the fault has answered, has broken the
 * connection, or leaves it hanging until the client or the simulator goes.
 */
@Injectable()
export class FaultStrikeService implements OnModuleDestroy {
  private readonly closing = new AbortController();

  constructor(
    private readonly faults: FaultService,
    private readonly journal: JournalService,
    private readonly clock: SimulatedClock,
  ) {}

  /** Wakes every delay, so that none outlives the simulator. */
  onModuleDestroy(): void {
    this.closing.abort();
  }

  /** Where only the headers of the call are here. */
  async beforeBody(call: WechatCall, reply: FastifyReply): Promise<boolean> {
    const fault = this.take(call, 'before_body');
    return fault === undefined || this.strikeNow(fault, call, reply);
  }

  /** A call that a fault struck before its body takes no second one. */
  async before(call: WechatCall, reply: FastifyReply): Promise<boolean> {
    const fault = call.entry.fault === null ? this.take(call, 'later') : undefined;
    if (fault === undefined) {
      return true;
    }
    if (strikesAfterTheEffect(fault)) {
      call.lateFault = fault;
      return true;
    }
    return this.strikeNow(fault, call, reply);
  }

  /** Resolves to what is to be sent, or to undefined where the fault took the connection over. */
  async after(
    call: WechatCall,
    reply: FastifyReply,
    body: string | Buffer,
  ): Promise<string | Buffer | undefined> {
    const { lateFault: fault } = call;
    if (fault === undefined) {
      return body;
    }
    return (await this.pause(fault.delay_ms))
      ? this.strikeAfter(fault, call, reply, body)
      : undefined;
  }

  private take(call: WechatCall, moment: 'before_body' | 'later'): Fault | undefined {
    const fault = this.faults.take(call.entry.path, call.entry.app_id, moment);
    if (fault !== undefined) {
      this.journal.record(call.entry, { fault: fault.kind });
    }
    return fault;
  }

  private async strikeNow(
    fault: FaultSpec,
    call: WechatCall,
    reply: FastifyReply,
  ): Promise<boolean> {
    return (await this.pause(fault.delay_ms)) && this.strikeBefore(fault, call, reply);
  }

  private strikeBefore(fault: FaultSpec, call: WechatCall, reply: FastifyReply): boolean {
    if (fault.kind === 'delay') {
      return true;
    }
    if (fault.kind === 'reset_before') {
      this.reset(call, reply);
      return false;
    }
    if (fault.kind === 'answer') {
      this.script(fault, call, reply);
      return false;
    }
    const replacement = this.replacementOf(fault, call);
    if (replacement !== undefined) {
      call.isReplaced = true;
      this.journal.record(call.entry, { errcode: fault.kind === 'errcode' ? fault.errcode : null });
      void reply.code(replacement.status).headers(replacement.headers).send(replacement.body);
    }
    return false;
  }

  private strikeAfter(
    fault: FaultSpec,
    call: WechatCall,
    reply: FastifyReply,
    body: string | Buffer,
  ): string | Buffer | undefined {
    if (fault.kind === 'hang') {
      return undefined;
    }
    if (fault.kind === 'answer') {
      this.script(fault, call, reply);
      return undefined;
    }
    if (fault.kind === 'reset_after') {
      this.reset(call, reply);
      return undefined;
    }
    if (fault.kind === 'truncated' && fault.content_length === 'whole') {
      this.breakOff(call, reply, body);
      return undefined;
    }
    const replacement = this.replacementOf(fault, call);
    if (replacement === undefined) {
      return spoil(fault, body);
    }
    void reply.code(replacement.status).headers(replacement.headers);
    return replacement.body;
  }

  private replacementOf(fault: FaultSpec, { entry }: WechatCall): Answer | undefined {
    const call = { path: entry.path, ip: entry.caller_ip };
    return replacementOf(fault, call, this.clock.nowMs());
  }

  /** The answer goes its own way from here; how it ends is for the journal alone. */
  private script(
    fault: Extract<FaultSpec, { kind: 'answer' }>,
    { entry }: WechatCall,
    reply: FastifyReply,
  ): void {
    const onCut = (): void => {
      this.journal.end(entry, { outcome: 'cut', status: fault.status });
    };
    sendScripted(fault, reply.raw, { closing: this.closing.signal, onCut }).catch(() => {
      // Its reader has gone, or is to go because the simulator closes.
      reply.raw.destroy();
    });
  }

  private reset(call: WechatCall, reply: FastifyReply): void {
    this.journal.end(call.entry, { outcome: 'cut', status: null });
    reply.raw.socket?.resetAndDestroy();
  }

  /** Announces the whole body, sends half of it, and ends the connection. */
  private breakOff(call: WechatCall, reply: FastifyReply, body: string | Buffer): void {
    this.journal.end(call.entry, { outcome: 'cut', status: 200 });
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': String(reply.getHeader('content-type') ?? WECHAT_JSON),
      'content-length': Buffer.byteLength(body),
    });
    raw.write(firstHalf(body), () => raw.socket?.destroy());
  }

  /** False: the simulator closes, and nothing more shall happen. */
  private async pause(ms: number): Promise<boolean> {
    if (ms === 0) {
      return true;
    }
    await delay(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
    return !this.closing.signal.aborted;
  }
}
