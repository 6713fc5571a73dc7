import { Injectable } from '@nestjs/common';
import type { Account } from './account.js';
import { JournalService } from '../journal/journal.service.js';
import { TokenIssuerService } from './token-issuer.service.js';
import type { IssuedToken, TokenFamily } from './token-ledger.js';

/** Another party that holds the same AppSecret, such as a forgotten test server, and fetches for itself. */
@Injectable()
export class ForeignMintService {
  constructor(
    private readonly issuer: TokenIssuerService,
    private readonly journal: JournalService,
  ) {}

  mint(account: Account, family: TokenFamily): IssuedToken {
    const isLegacy = family === 'legacy';
    const entry = this.journal.begin({
      method: isLegacy ? 'GET' : 'POST',
      path: isLegacy ? '/cgi-bin/token' : '/cgi-bin/stable_token',
      raw_query: '',
      query_keys: [],
      headers: {},
      caller_ip: '',
    });
    const { token } = this.issuer.foreign(account, family);
    this.journal.record(entry, {
      app_id: account.appId,
      foreign: true,
      forced: !isLegacy,
      errcode: 0,
      issued: { tag: token.tag, family, number: token.number, minted: true },
    });
    this.journal.end(entry, { outcome: 'answered', status: 200 });
    return token;
  }
}
