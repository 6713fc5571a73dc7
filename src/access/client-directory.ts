import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { hashKey } from './presented-key.js';
import { SCOPES, type Scope } from './scope.js';

/** Who a client key belongs to, and what it may do. Immutable: a change replaces it. */
export interface Client {
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
  /** AppIDs, or every account that there is. */
  readonly accounts: 'all' | ReadonlySet<string>;
  /** By the wall clock; absent: never. */
  readonly expiresAtMs?: number;
}

/**
 * The clients by the hash of their keys, in memory: a request never waits for the database.
 *
 * The client that CLIENT_API_KEY makes is always among them; those of the database are swapped in whole.
 * A look-up by digest needs no constant time: who can choose a digest's first bytes has broken SHA-256.
 */
@Injectable()
export class ClientDirectory {
  private readonly fromEnvironment: ReadonlyMap<string, Client>;
  private clients: ReadonlyMap<string, Client>;

  constructor({ keys }: AppConfig) {
    const client: Client = { id: 'default', scopes: new Set(SCOPES), accounts: 'all' };
    this.fromEnvironment = new Map(
      keys.client === undefined ? [] : [[hashKey(keys.client), client]],
    );
    this.clients = this.fromEnvironment;
  }

  /** @param keyHash as {@link hashKey} makes it */
  find(keyHash: string): Client | undefined {
    return this.clients.get(keyHash);
  }

  /** Takes the place of the stored clients there were before. Keys are the hashes of their keys. */
  replaceStored(stored: ReadonlyMap<string, Client>): void {
    this.clients = new Map([...stored, ...this.fromEnvironment]);
  }
}
