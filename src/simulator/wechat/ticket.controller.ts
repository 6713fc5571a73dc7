import { Controller } from '@nestjs/common';
import { SettingsService } from '../control/settings.service.js';
import { TICKET_TYPES } from './ticket-box.js';
import { Call, WechatCall } from './wechat-call.js';
import { TokenEndpoint } from './wechat-endpoint.decorator.js';
import { WechatError } from './wechat.errors.js';

interface TicketAnswer {
  errcode: 0;
  errmsg: 'ok';
  ticket: string;
  expires_in: number;
}

@Controller()
export class TicketController {
  constructor(private readonly settings: SettingsService) {}

  /** In its window the ticket stays the same and `expires_in` does not go down: it tells nothing. */
  @TokenEndpoint('GET', '/cgi-bin/ticket/getticket')
  fetch(@Call() call: WechatCall): TicketAnswer {
    const type = TICKET_TYPES.find((known) => known === call.query.get('type'));
    if (type === undefined) {
      throw new WechatError(40097);
    }
    const lifetimeSeconds = this.settings.current.ticket_lifetime_seconds;
    const ticket = call.account.tickets.current(type, lifetimeSeconds * 1_000);
    return { errcode: 0, errmsg: 'ok', ticket: ticket.text, expires_in: lifetimeSeconds };
  }
}
