import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import {
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdminGuard } from '../../access/admin.guard.js';
import { noteAudit } from '../../audit/audit-notes.js';
import { Audited } from '../../audit/audited.decorator.js';
import { originOf } from '../../audit/origin.js';
import { ApiCreated } from '../../http/api-created.decorator.js';
import { decodeCursor, toPage, type Page } from '../../http/page.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { ValidBody, ValidQuery } from '../../http/validation.decorator.js';
import { ACCESS_TOKEN } from '../access-token/access-token.client.js';
import type { Account } from '../accounts/account.js';
import { accountNotFound } from '../accounts/account.errors.js';
import { CredentialService } from '../credentials/credential.service.js';
import { TokenService } from '../access-token/token.service.js';
import { AccountAdminService } from './account-admin.service.js';
import {
  AccountChangeBody,
  AccountPosition,
  AccountsQuery,
  AccountStateAnswer,
  AccountStates,
  NewAccountBody,
} from './account.dto.js';

const ACCOUNTS = 'v1/admin/accounts';
const APP_ID = { name: 'app_id', example: 'wx0123456789abcdef' };

/** The accounts and the state of their tokens. No answer holds an AppSecret or a token. */
@ApiTags('admin')
@Controller(ACCOUNTS)
@UseGuards(AdminGuard)
export class AccountAdminController {
  constructor(
    private readonly tokens: TokenService,
    private readonly accounts: AccountAdminService,
    private readonly credentials: CredentialService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The state of every account, by AppID' })
  @ApiOkResponse({ standardSchema: AccountStates })
  @ApiProblems('validation_failed', 'database_unavailable')
  list(@ValidQuery(AccountsQuery) query: AccountsQuery): Page<AccountStateAnswer> {
    const after = decodeCursor(AccountPosition, query.cursor)?.after ?? '';
    const fitting = this.tokens
      .accounts()
      .filter(({ appId }) => appId > after)
      .map((account) => this.describe(account))
      .filter((account) => fits(account, query));
    return toPage(
      fitting,
      query.limit,
      (account) => account,
      (account) => ({ after: account.app_id }),
    );
  }

  @Get(':app_id')
  @ApiOperation({ summary: 'The state of one account' })
  @ApiParam(APP_ID)
  @ApiOkResponse({ standardSchema: AccountStateAnswer })
  @ApiProblems('account_not_found', 'database_unavailable')
  show(@Param('app_id') appId: string): AccountStateAnswer {
    return this.describe(this.tokens.requireForAdmin(appId).account);
  }

  @Post()
  @Audited('account.create')
  @ApiOperation({ summary: 'Add an account; its token is fetched at once' })
  @ApiCreated(AccountStateAnswer)
  @ApiProblems('validation_failed', 'account_exists')
  async create(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @ValidBody(NewAccountBody) body: NewAccountBody,
  ): Promise<AccountStateAnswer> {
    await this.accounts.create(body, originOf(request, 'admin'));
    const { account, version } = this.tokens.requireForAdmin(body.app_id);
    noteAudit(request, { versionAfter: version });
    reply.header('location', `/${ACCOUNTS}/${body.app_id}`);
    return this.describe(account);
  }

  @Patch(':app_id')
  @Audited('account.update')
  @ApiOperation({ summary: 'Update an account; another secret or mode refreshes at once' })
  @ApiParam(APP_ID)
  @ApiOkResponse({ standardSchema: AccountStateAnswer })
  @ApiProblems('validation_failed', 'account_not_found')
  async update(
    @Req() request: FastifyRequest,
    @Param('app_id') appId: string,
    @ValidBody(AccountChangeBody) body: AccountChangeBody,
  ): Promise<AccountStateAnswer> {
    noteAudit(request, { versionBefore: this.tokens.requireForAdmin(appId).version });
    await this.accounts.update(appId, body);
    const { account, version } = this.tokens.requireForAdmin(appId);
    // A refresh that became due has a row of its own in the trail.
    noteAudit(request, { versionAfter: version });
    return this.describe(account);
  }

  @Delete(':app_id')
  @HttpCode(204)
  @Audited('account.delete')
  @ApiOperation({ summary: 'Remove an account, its secret and its credentials' })
  @ApiParam(APP_ID)
  @ApiNoContentResponse({ description: 'It is gone; its history stays.' })
  @ApiProblems('account_not_found')
  async remove(@Req() request: FastifyRequest, @Param('app_id') appId: string): Promise<void> {
    noteAudit(request, { versionBefore: this.tokens.requireForAdmin(appId).version });
    await this.accounts.remove(appId);
  }

  private describe({ appId, name, mode, enabled, jssdkHosts }: Account): AccountStateAnswer {
    const tickets = this.credentials.describe(appId);
    const accessToken = tickets.get(ACCESS_TOKEN);
    tickets.delete(ACCESS_TOKEN);
    if (accessToken === undefined) {
      throw accountNotFound();
    }
    return {
      app_id: appId,
      name,
      mode,
      enabled,
      jssdk_hosts: [...jssdkHosts],
      access_token: accessToken,
      tickets: [...tickets].map(([kind, state]) => ({ kind, ...state })),
    };
  }
}

function fits(account: AccountStateAnswer, { mode, enabled, state }: AccountsQuery): boolean {
  return (
    (mode === undefined || account.mode === mode) &&
    (enabled === undefined || account.enabled === enabled) &&
    (state === undefined ||
      [account.access_token, ...account.tickets].some((credential) => credential.state === state))
  );
}
