import { Injectable } from '@nestjs/common';
import { JournalService } from '../journal/journal.service.js';
import type { IssuedAnswer } from './token-issuer.service.js';
import type { WechatCall } from './wechat-call.js';

/** Success has no errcode. */
export interface TokenAnswer {
  access_token: string;
  expires_in: number;
}

/** The answer of both token calls; what was issued goes into the journal. */
@Injectable()
export class TokenAnswerService {
  constructor(private readonly journal: JournalService) {}

  write(call: WechatCall, issued: IssuedAnswer): TokenAnswer {
    const { token, minted, expiresInSeconds } = issued;
    const { tag, family, number } = token;
    this.journal.record(call.entry, { issued: { tag, family, number, minted } });
    return { access_token: token.text, expires_in: expiresInSeconds };
  }
}
