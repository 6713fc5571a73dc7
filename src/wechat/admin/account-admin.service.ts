import { Injectable } from '@nestjs/common';
import type { Origin } from '../../audit/origin.js';
import { DatabaseError } from '../../database/database-error.js';
import { AppError } from '../../errors/app-error.js';
import { validationFailed } from '../../http/validation.errors.js';
import { CredentialService } from '../credentials/credential.service.js';
import type { ImportedValue } from '../credentials/credential-kind.js';
import { ACCESS_TOKEN, AccessTokenClient } from '../access-token/access-token.client.js';
import { TokenService } from '../access-token/token.service.js';
import { AccountEditorService } from '../accounts/account-editor.service.js';
import { accountNotFound } from '../accounts/account.errors.js';
import type { AccountChangeBody, NewAccountBody } from './account.dto.js';

/**
 * Fences may have been raised, and values held in memory numbered, of which this process does not know
 * yet: versions start this far above the last one when an account is added again.
 */
const FENCE_GAP = 1_000_000;

const REFUSED_TOKEN =
  'WeChat refuses it (40001, 40014 or 42001): it is not live any more, or is another one. Give the live token, or leave it out and one is fetched.';

/**
 * Accounts added, updated and removed by an admin. They wait for WeChat only when a token
 * is imported, which is checked first. A refresh that becomes due is started; its result shows in the account's state.
 */
@Injectable()
export class AccountAdminService {
  constructor(
    private readonly tokens: TokenService,
    private readonly client: AccessTokenClient,
    private readonly editor: AccountEditorService,
    private readonly credentials: CredentialService,
  ) {}

  /** @throws AppError `account_exists`, `validation_failed` for a token that WeChat refuses, `database_unavailable` */
  async create(body: NewAccountBody, origin: Origin): Promise<void> {
    const { app_id: appId, app_secret: secret, name = null, mode, jssdk_hosts: jssdkHosts } = body;
    this.tokens.assertLoaded();
    const imported = await this.importedToken(body, origin);
    // What a removal could not take away before must not come back with the account.
    await this.credentials.follow(appId);
    const enabled = body.enabled && imported === undefined;
    const fields = { name, mode, secret, enabled, jssdkHosts };
    if (!(await this.editor.create(appId, fields))) {
      throw new AppError(
        'account_exists',
        `There is an account with this AppID already. Update it with PATCH /v1/admin/accounts/${appId}.`,
      );
    }
    await this.credentials.follow(appId);
    if (imported !== undefined) {
      await this.import(appId, imported, body.enabled);
    }
    this.credentials.startDue();
  }

  /** @throws AppError `account_not_found`, `database_unavailable` */
  async update(appId: string, body: AccountChangeBody): Promise<void> {
    const wasEnabled = this.tokens.requireForAdmin(appId).account.enabled;
    const { name, mode, enabled, app_secret: secret, jssdk_hosts: jssdkHosts } = body;
    const change = {
      ...(name !== undefined && { name }),
      ...(mode !== undefined && { mode }),
      ...(enabled !== undefined && { enabled }),
      ...(secret !== undefined && { secret }),
      ...(jssdkHosts !== undefined && { jssdkHosts }),
    };
    if (!(await this.editor.alter(appId, change))) {
      throw accountNotFound();
    }
    await this.credentials.follow(appId);
    if (enabled === true && !wasEnabled) {
      // What it was switched off for is mended.
      await this.credentials.endPauses(appId);
    }
    this.credentials.startDue();
  }

  /** @throws AppError `account_not_found`, `database_unavailable` */
  async remove(appId: string): Promise<void> {
    this.tokens.requireForAdmin(appId);
    const fenceBase = this.credentials.greatestFence(appId) + FENCE_GAP;
    if (!(await this.editor.remove(appId, fenceBase))) {
      throw accountNotFound();
    }
    await this.credentials.follow(appId);
  }

  /**
   * The account is switched off until its token is stored: whatever happens in between, nobody fetches
   * another one, which in legacy mode would end the life of this one.
   */
  private async import(appId: string, imported: ImportedValue, enabled: boolean): Promise<void> {
    try {
      await this.credentials.import(appId, ACCESS_TOKEN, imported);
      if (enabled) {
        await this.editor.alter(appId, { enabled: true });
        await this.credentials.follow(appId);
      }
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      throw new AppError(
        'database_unavailable',
        'The account was added, but it is switched off, since its token could not be stored. Remove it and add it again.',
        { cause: error },
      );
    }
  }

  /** Asks WeChat about it before anything is stored. A WeChat that is away keeps nobody from moving here. */
  private async importedToken(
    body: NewAccountBody,
    origin: Origin,
  ): Promise<ImportedValue | undefined> {
    const { access_token: value, expires_in: seconds } = body;
    if (value === undefined || seconds === undefined) {
      return undefined;
    }
    const verdict = await this.client.tryToken(value);
    if (verdict === 'dead') {
      throw validationFailed('body', [{ path: ['access_token'], message: REFUSED_TOKEN }]);
    }
    return { value, remainingMs: seconds * 1_000, isProved: verdict === 'alive', origin };
  }
}
