import { Catch } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { JournalService } from '../journal/journal.service.js';
import { SimulatedClock } from '../simulated-clock.js';
import { findCall } from './wechat-call.js';
import { WechatError, errorBody } from './wechat.errors.js';

/** An application error is HTTP 200 with a body that tells, as WeChat's are. */
@Catch(WechatError)
export class WechatErrorFilter implements ExceptionFilter<WechatError> {
  constructor(
    private readonly clock: SimulatedClock,
    private readonly journal: JournalService,
  ) {}

  catch(error: WechatError, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const call = findCall(http.getRequest<FastifyRequest>());
    if (call !== undefined) {
      this.journal.record(call.entry, { errcode: error.errcode });
    }
    void http.getResponse<FastifyReply>().code(200).send(errorBody(error, this.clock.nowMs()));
  }
}
