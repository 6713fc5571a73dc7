import { Injectable } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { NO_GATEWAY_RULES, type GatewayRights } from '../access/client-directory.js';
import { DatabaseClock } from '../database/database-clock.js';
import type { AppError } from '../errors/app-error.js';
import { decodeCursor, toPage, type Page } from '../http/page.js';
import { validationFailed } from '../http/validation.errors.js';
import { describeClient } from './client-answer.js';
import { ClientKeyRepository } from './client-key.repository.js';
import { ClientKeyService } from './client-key.service.js';
import { ClientStore } from './client-store.js';
import {
  ClientCursor,
  type ClientAnswer,
  type ClientChangeBody,
  type ClientPageQuery,
  type NewClientAnswer,
  type NewClientBody,
} from './client.dto.js';
import type { ClientEntity } from './client.entity.js';
import { noSuchClient } from './client.errors.js';
import { ClientRepository } from './client.repository.js';
import { readExpiry } from './expiry.js';

/** What an admin does with clients. A change holds on this replica when its answer is sent. */
@Injectable()
export class ClientAdminService {
  constructor(
    private readonly clients: ClientRepository,
    private readonly keyRows: ClientKeyRepository,
    private readonly keys: ClientKeyService,
    private readonly store: ClientStore,
    private readonly clock: DatabaseClock,
  ) {}

  /** By id. @throws AppError `validation_failed` for a cursor of another list */
  async list({ cursor, limit }: ClientPageQuery): Promise<Page<ClientAnswer>> {
    const rows = await this.clients.list(decodeCursor(ClientCursor, cursor) ?? '', limit + 1);
    const keys = await this.keyRows.listOf(rows.map(({ rowId }) => rowId));
    return toPage(
      rows,
      limit,
      (row) => describeClient(row.id, row, keys),
      ({ id }) => id,
    );
  }

  /** @throws AppError `not_found` */
  async show(id: string): Promise<ClientAnswer> {
    const row = await this.find(id);
    return describeClient(id, row, await this.keyRows.listOf([row.rowId]));
  }

  /**
   * Makes a client and its first key. The key is stored first, and is nobody's until the client is there: so there
   * is never a client without one, and whatever fails in between leaves nothing that can be used.
   * @throws AppError `validation_failed`, also for an id that is taken
   */
  async create(body: NewClientBody): Promise<NewClientAnswer> {
    const nowMs = Math.floor(this.clock.nowMs());
    const expiresAt = readExpiry(body.expires_at ?? null, nowMs);
    const id = body.id ?? `client-${randomBytes(8).toString('hex')}`;
    if ((await this.clients.find(id)) !== null) {
      throw idTaken();
    }
    const scopes = unique(body.scopes);
    const accounts = eachOnce(body.accounts);
    const row = {
      rowId: randomUUID(),
      name: body.name,
      scopes,
      accounts,
      gateway: withChange(NO_GATEWAY_RULES, body.gateway),
      expiresAt,
      createdAt: nowMs,
    };
    const { key, ...keyAnswer } = await this.keys.issue(row.rowId, null, null);
    if (!(await this.clients.insert({ ...row, id }))) {
      await this.keyRows.revokeAll(row.rowId);
      throw idTaken();
    }
    await this.store.adoptNow();
    return { ...describeClient(id, row, []), keys: [keyAnswer], key };
  }

  /** @throws AppError `not_found`, `validation_failed` */
  async change(id: string, body: ClientChangeBody): Promise<ClientAnswer> {
    const expiresAt = readExpiry(body.expires_at, this.clock.nowMs());
    const { rowId, gateway } = await this.find(id);
    const change = {
      ...(body.name !== undefined && { name: body.name }),
      ...(body.scopes !== undefined && { scopes: unique(body.scopes) }),
      ...(body.accounts !== undefined && { accounts: eachOnce(body.accounts) }),
      ...(body.gateway !== undefined && { gateway: withChange(gateway, body.gateway) }),
      ...(expiresAt !== undefined && { expiresAt }),
    };
    if (Object.keys(change).length > 0 && (await this.clients.change(rowId, change))) {
      await this.store.adoptNow();
    }
    return this.show(id);
  }

  /**
   * The keys first: should the database fail in between, the client is still there to be removed again.
   * @throws AppError `not_found`
   */
  async remove(id: string): Promise<void> {
    const { rowId } = await this.find(id);
    await this.keyRows.revokeAll(rowId);
    await this.clients.bury(rowId);
    // Whoever found the client before that may have made a key after the first: it is nobody's, and goes as well.
    await this.keyRows.revokeAll(rowId);
    await this.store.adoptNow();
  }

  private async find(id: string): Promise<ClientEntity> {
    const row = await this.clients.find(id);
    if (row === null) {
      throw noSuchClient();
    }
    return row;
  }
}

function idTaken(): AppError {
  return validationFailed('body', [{ path: ['id'], message: 'is taken by another client' }]);
}

function eachOnce(accounts: NewClientBody['accounts']): NewClientBody['accounts'] {
  return accounts === 'all' ? accounts : unique(accounts);
}

function withChange(
  gateway: GatewayRights,
  change: ClientChangeBody['gateway'] = {},
): GatewayRights {
  return {
    allow: change.allow === undefined ? gateway.allow : unique(change.allow),
    perMinute: change.per_minute ?? gateway.perMinute,
  };
}

/** In the order in which each stands there first. */
function unique<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)];
}
