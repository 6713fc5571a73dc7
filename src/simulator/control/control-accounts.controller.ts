import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { AccountInputSchema, AccountPatchSchema } from './account.dto.js';
import type { AccountInput, AccountPatch, AccountView } from './account.dto.js';
import type { Account } from '../wechat/account.js';
import { AccountsService } from '../wechat/accounts.service.js';
import { jsonBody } from './closed-object.js';
import { ForeignMintService } from '../wechat/foreign-mint.service.js';
import { MintSchema, TokensQuerySchema, tokenView } from './token.dto.js';
import type { MintInput, TicketView, TokenView, TokensQuery } from './token.dto.js';

@Controller('__simulator/accounts')
export class ControlAccountsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly foreignMint: ForeignMintService,
  ) {}

  @Get()
  list(): { accounts: AccountView[] } {
    return { accounts: this.accounts.all().map((account) => account.view()) };
  }

  @Post()
  add(@Body({ schema: jsonBody(AccountInputSchema) }) input: AccountInput): AccountView {
    return this.accounts.add(input).view();
  }

  @Get(':app_id')
  show(@Param('app_id') appId: string): AccountView {
    return this.accounts.get(appId).view();
  }

  @Patch(':app_id')
  alter(
    @Param('app_id') appId: string,
    @Body({ schema: jsonBody(AccountPatchSchema) }) patch: AccountPatch,
  ): AccountView {
    return this.accounts.alter(appId, patch).view();
  }

  @Delete(':app_id')
  @HttpCode(204)
  remove(@Param('app_id') appId: string): void {
    this.accounts.remove(appId);
  }

  /** The one place, a foreign mint aside, where tokens stand in full: a judge needs them. */
  @Get(':app_id/tokens')
  tokens(
    @Param('app_id') appId: string,
    @Query({ schema: TokensQuerySchema }) query: TokensQuery,
  ): { tokens: TokenView[]; tickets: TicketView[] } {
    const account = this.accounts.get(appId);
    return {
      tokens: tokensOf(account).filter(
        (token) => query.alive === undefined || token.alive === query.alive,
      ),
      tickets: account.tickets.all().map(([type, ticket]) => ({
        type,
        ticket: ticket.text,
        expires_at: new Date(ticket.expiresAtMs).toISOString(),
      })),
    };
  }

  @Post(':app_id/mint')
  mint(
    @Param('app_id') appId: string,
    @Body({ schema: jsonBody(MintSchema) }) input: MintInput,
  ): TokenView {
    const account = this.accounts.get(appId);
    const token = this.foreignMint.mint(account, input.family);
    return tokenView(account, token);
  }
}

function tokensOf(account: Account): TokenView[] {
  return Object.values(account.ledgers).flatMap((ledger) =>
    ledger.all().map((token) => tokenView(account, token)),
  );
}
