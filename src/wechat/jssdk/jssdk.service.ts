import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { DatabaseClock } from '../../database/database-clock.js';
import { validationFailed } from '../../http/validation.errors.js';
import { AccountService } from '../accounts/account.service.js';
import { TicketService } from '../tickets/ticket.service.js';
import type { SignatureAnswer } from './jssdk.dto.js';
import { isHostAllowed, jssdkSignature, withoutFragment } from './jssdk-signature.js';

const TICKET_WAIT_MS = 5_000;
const NONCE_BYTES = 16;

/** Signs pages, so that they may call WeChat's JS-SDK. The ticket stays here. */
@Injectable()
export class JssdkService {
  constructor(
    private readonly tickets: TicketService,
    private readonly accounts: AccountService,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * @param href an absolute URL, signed to the letter but for its fragment
   * @throws AppError `forbidden` for an account that there is not, `validation_failed` for a host that
   *   the account does not name, `token_unavailable` where there is no ticket
   */
  async sign(appId: string, href: string): Promise<SignatureAnswer> {
    const url = withoutFragment(href);
    // First who may not use the account: to them a host must not tell that there is one.
    const current = this.tickets.current(appId, 'jsapi');
    if (!isHostAllowed(this.accounts.find(appId)?.jssdkHosts ?? [], url)) {
      throw hostRefused();
    }
    const { value: ticket } = current ?? (await this.tickets.read(appId, 'jsapi', TICKET_WAIT_MS));
    const timestamp = Math.floor(this.clock.nowMs() / 1_000);
    const nonceStr = randomBytes(NONCE_BYTES).toString('hex');
    const signature = jssdkSignature({ ticket, nonceStr, timestamp, url });
    return { appId, timestamp, nonceStr, signature };
  }
}

function hostRefused(): ReturnType<typeof validationFailed> {
  return validationFailed('body', [
    { path: ['url'], message: 'its host is not among the jssdk_hosts of the account' },
  ]);
}
