import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { AppError } from '../errors/app-error.js';
import { Clock } from '../time/clock.js';
import { hashKey, type PresentedKey } from './presented-key.js';
import { SCOPES, type Scope } from './scope.js';

/** When a key was last good for a request. The one thing here that requests change. */
export interface KeyUse {
  /** By the database's clock, to about a second; 0 before the first use that this process has seen. */
  atMs: number;
}

/** What a client may call through the gateway. The same object until the client changes, whichever of its keys. */
export interface GatewayRights {
  /** Rules and presets, see gateway-rule.ts; none allows nothing. */
  readonly allow: readonly string[];
  /** Calls a minute. */
  readonly perMinute: number;
}

export const NO_GATEWAY_RULES: GatewayRights = { allow: [], perMinute: 600 };

/** Who a client key belongs to, and what it may do. Immutable: a change replaces it. */
export interface Client {
  readonly id: string;
  /** The id of the stored key; absent for the client of the environment, which has none. */
  readonly keyId?: string;
  readonly scopes: ReadonlySet<Scope>;
  /** AppIDs, or every account that there is. */
  readonly accounts: 'all' | ReadonlySet<string>;
  readonly gateway: GatewayRights;
  /** Of the client or of this key, whichever is sooner, by the wall clock; absent: never. */
  readonly expiresAtMs?: number;
  /** Absent for the client of the environment, which has no row. */
  readonly use?: KeyUse;
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
  private byKeyId: ReadonlyMap<string, Client> = new Map();
  private hasLoaded = false;
  private usedAtMs = 0;
  /** Shared by all errors before the first reading, so that they are logged once. */
  private readonly loading = {};

  constructor(
    { keys }: AppConfig,
    private readonly clock: Clock,
  ) {
    const client: Client = {
      id: 'default',
      scopes: new Set(SCOPES),
      accounts: 'all',
      gateway: NO_GATEWAY_RULES,
    };
    this.fromEnvironment = new Map(
      keys.client === undefined ? [] : [[hashKey(keys.client), client]],
    );
    this.clients = this.fromEnvironment;
  }

  /** Whether the stored clients have been read: before, an unknown key may be one of theirs. */
  get isLoaded(): boolean {
    return this.hasLoaded;
  }

  /** The client whose key this is, while the key is valid. A mistyped key is not looked up among the stored. */
  find(key: PresentedKey): Client | undefined {
    return this.inUse(this.known(key));
  }

  /**
   * The client of a stored key, while the key is valid: for what was made from a key and names it, such as a handle.
   * Before the stored clients are read no key is found, and {@link notYet} with `{ mayBeStored: true }` tells so.
   */
  findByKeyId(keyId: string): Client | undefined {
    return this.inUse(this.byKeyId.get(keyId));
  }

  /** Of a key that was not found: for metrics, the answer does not tell. */
  whyNot(key: PresentedKey): 'unknown_key' | 'expired_key' {
    return this.known(key) === undefined ? 'unknown_key' : 'expired_key';
  }

  /**
   * Before the stored clients are read, a key that was not found may be of one of them: it is put off, not
   * refused. Only where it has their form: else whoever guesses at a key of the environment would not be counted.
   */
  notYet(key: Pick<PresentedKey, 'mayBeStored'>): AppError | undefined {
    return this.hasLoaded || !key.mayBeStored ? undefined : notLoaded(this.loading);
  }

  /** Takes the place of the stored clients there were before. Keys are the hashes of their keys. */
  replaceStored(stored: ReadonlyMap<string, Client>): void {
    const clients = new Map(stored);
    for (const [keyHash, client] of this.fromEnvironment) {
      clients.set(keyHash, client);
    }
    this.clients = clients;
    this.byKeyId = byKeyId(stored);
    this.hasLoaded = true;
  }

  /** The time that uses are marked with from here on: told once a second, since a request asks no clock for it. */
  markUsesAt(nowMs: number): void {
    this.usedAtMs = nowMs;
  }

  /** Marks the use of a key that is valid. @returns undefined for one that has expired */
  private inUse(client: Client | undefined): Client | undefined {
    if (client?.expiresAtMs !== undefined && client.expiresAtMs <= this.clock.wallMs()) {
      return undefined;
    }
    if (client?.use !== undefined) {
      client.use.atMs = this.usedAtMs;
    }
    return client;
  }

  private known(key: PresentedKey): Client | undefined {
    return (key.isMistyped ? this.fromEnvironment : this.clients).get(key.hash);
  }
}

function byKeyId(stored: ReadonlyMap<string, Client>): Map<string, Client> {
  const clients = new Map<string, Client>();
  for (const client of stored.values()) {
    if (client.keyId !== undefined) {
      clients.set(client.keyId, client);
    }
  }
  return clients;
}

function notLoaded(incident: object): AppError {
  return new AppError(
    'database_unavailable',
    'Not ready yet: the clients have not been read from the database, and this key may be of one of them. Ask again after Retry-After.',
    { retryAfterSeconds: 1, incident },
  );
}
