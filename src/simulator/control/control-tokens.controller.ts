import { Body, Controller, HttpCode, NotFoundException, Post } from '@nestjs/common';
import { AccountsService } from '../wechat/accounts.service.js';
import { jsonBody } from './closed-object.js';
import { KillSchema, tokenView } from './token.dto.js';
import type { KillInput, TokenView } from './token.dto.js';

@Controller('__simulator/tokens')
export class ControlTokensController {
  constructor(private readonly accounts: AccountsService) {}

  @Post('kill')
  @HttpCode(200)
  kill(@Body({ schema: jsonBody(KillSchema) }) input: KillInput): TokenView {
    const account = this.accounts.findByToken(input.access_token);
    const token = account?.findToken(input.access_token);
    if (account === undefined || token === undefined) {
      throw new NotFoundException(
        'no account has this token; GET /__simulator/accounts/<app_id>/tokens lists those there are',
      );
    }
    token.killed = { errcode: input.errcode, stillHandedOut: input.still_handed_out };
    return tokenView(account, token);
  }
}
