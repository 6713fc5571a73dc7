import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { createClientKey } from '../access/client-key.js';
import { hashKey } from '../access/presented-key.js';
import { DatabaseClock } from '../database/database-clock.js';
import { validationFailed } from '../http/validation.errors.js';
import { describeKey } from './client-answer.js';
import { ClientKeyRepository } from './client-key.repository.js';
import { ClientStore } from './client-store.js';
import type { NewKeyAnswer, NewKeyBody } from './client.dto.js';
import { noSuchClient, noSuchKey } from './client.errors.js';
import { ClientRepository } from './client.repository.js';
import { readExpiry } from './expiry.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Gives keys out, each shown this once, and takes them back. */
@Injectable()
export class ClientKeyService {
  constructor(
    private readonly clients: ClientRepository,
    private readonly keys: ClientKeyRepository,
    private readonly store: ClientStore,
    private readonly clock: DatabaseClock,
  ) {}

  /** @throws AppError `not_found`; `validation_failed` when two are active already */
  async add(clientId: string, body: NewKeyBody): Promise<NewKeyAnswer> {
    const expiresAt = readExpiry(body?.expires_at ?? null, this.clock.nowMs());
    const clientRowId = await this.rowIdOf(clientId);
    const issued = await this.issue(clientRowId, body?.name ?? null, expiresAt);
    await this.store.adoptNow();
    return issued;
  }

  /** @throws AppError `not_found` */
  async revoke(clientId: string, keyId: string): Promise<void> {
    const clientRowId = await this.rowIdOf(clientId);
    if (!UUID.test(keyId) || !(await this.keys.revoke(clientRowId, keyId))) {
      throw noSuchKey();
    }
    await this.store.adoptNow();
  }

  /**
   * Makes a key and stores its hash. Good as soon as its client is there and both have been read.
   * @throws AppError `validation_failed` when the client has two already
   */
  async issue(
    clientRowId: string,
    name: string | null,
    expiresAt: number | null,
  ): Promise<NewKeyAnswer> {
    const key = createClientKey();
    const createdAt = Math.floor(this.clock.nowMs());
    const row = { id: randomUUID(), clientRowId, name, expiresAt, createdAt };
    if (!(await this.keys.insert({ ...row, hash: hashKey(key) }))) {
      throw validationFailed('body', [
        { message: 'two keys are active already: revoke one of them first' },
      ]);
    }
    return { ...describeKey({ ...row, lastUsedAt: null }), key };
  }

  private async rowIdOf(clientId: string): Promise<string> {
    const client = await this.clients.find(clientId);
    if (client === null) {
      throw noSuchClient();
    }
    return client.rowId;
  }
}
