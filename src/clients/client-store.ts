import { Injectable, Logger } from '@nestjs/common';
import { DatabaseError } from '../database/database-error.js';
import type { FollowedTable } from '../database/followed-table.js';
import { ReplicaSyncService } from '../database/replica-sync.service.js';
import { ClientEntity } from './client.entity.js';
import { ClientDirectory, type Client } from '../access/client-directory.js';
import { ClientKeyEntity } from './client-key.entity.js';
import { KeyUses } from './key-uses.js';

interface StoredClient extends Pick<Client, 'id' | 'scopes' | 'accounts' | 'gateway'> {
  readonly expiresAtMs: number;
}

interface StoredKey {
  readonly clientRowId: string;
  readonly hash: string;
  readonly expiresAtMs: number;
}

/** The stored clients and keys in memory, from which {@link ClientDirectory} is made anew with every change. */
@Injectable()
export class ClientStore {
  private readonly logger = new Logger(ClientStore.name);
  /** By their row's id. */
  private readonly clients = new Map<string, StoredClient>();
  /** By their id. */
  private readonly keys = new Map<string, StoredKey>();
  private readonly readTables = new Set<object>();
  private isChanged = true;
  private markLoaded: () => void = () => undefined;
  /** Resolves once the clients have been read for the first time; never rejects. */
  readonly loaded = new Promise<void>((resolve) => {
    this.markLoaded = resolve;
  });

  private readonly clientTable: FollowedTable<ClientEntity> = {
    entity: ClientEntity,
    adopt: (rows) => {
      rows.forEach((row) => {
        this.adoptClient(row);
      });
    },
    remove: (rowIds) => {
      rowIds.forEach((rowId) => {
        this.dropClient(rowId);
      });
    },
    inStep: () => {
      this.replaceStored(this.clientTable);
    },
  };

  private readonly keyTable: FollowedTable<ClientKeyEntity> = {
    entity: ClientKeyEntity,
    adopt: (rows) => {
      rows.forEach((row) => {
        this.adoptKey(row);
      });
    },
    remove: (ids) => {
      ids.forEach((id) => {
        this.dropKey(id);
      });
    },
    inStep: () => {
      this.replaceStored(this.keyTable);
    },
  };

  constructor(
    private readonly directory: ClientDirectory,
    private readonly uses: KeyUses,
    private readonly sync: ReplicaSyncService,
  ) {}

  /** The first reading, from which on changes are followed. @throws DatabaseError */
  async load(): Promise<void> {
    await this.catchUp();
    this.markLoaded();
  }

  /**
   * Reads back a change that was just made here. The change is stored already, so an error here does not fail it:
   * the next round, within a second, reads it too.
   */
  async adoptNow(): Promise<void> {
    try {
      await this.catchUp();
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      this.logger.warn({ event: 'change_not_read_back', reason: error.driverCode });
    }
  }

  /** Both in one round. */
  private async catchUp(): Promise<void> {
    const clients = this.sync.follow(this.clientTable);
    const keys = this.sync.follow(this.keyTable);
    await Promise.all([clients.catchUp(), keys.catchUp()]);
  }

  private adoptClient(row: ClientEntity): void {
    if (row.id === null) {
      this.dropClient(row.rowId);
      return;
    }
    this.clients.set(row.rowId, toClient(row.id, row));
    this.isChanged = true;
  }

  private dropClient(rowId: string): void {
    this.isChanged = this.clients.delete(rowId) || this.isChanged;
  }

  private adoptKey({ id, clientRowId, hash, expiresAt }: ClientKeyEntity): void {
    if (hash === null) {
      this.dropKey(id);
      return;
    }
    this.keys.set(id, { clientRowId, hash, expiresAtMs: expiresAt ?? Infinity });
    this.isChanged = true;
  }

  private dropKey(id: string): void {
    this.uses.forget(id);
    this.isChanged = this.keys.delete(id) || this.isChanged;
  }

  /** Not before both tables have been read: a good key would be unknown. */
  private replaceStored(read: object): void {
    this.readTables.add(read);
    if (this.isChanged && this.readTables.size === 2) {
      this.isChanged = false;
      this.directory.replaceStored(this.byHash());
    }
  }

  /** A key whose client is not there, or no longer, is nobody's. */
  private byHash(): Map<string, Client> {
    const byHash = new Map<string, Client>();
    for (const [keyId, key] of this.keys) {
      const client = this.clients.get(key.clientRowId);
      if (client !== undefined) {
        const expiresAtMs = Math.min(client.expiresAtMs, key.expiresAtMs);
        byHash.set(key.hash, {
          id: client.id,
          keyId,
          scopes: client.scopes,
          accounts: client.accounts,
          gateway: client.gateway,
          ...(expiresAtMs < Infinity && { expiresAtMs }),
          use: this.uses.of(keyId),
        });
      }
    }
    return byHash;
  }
}

function toClient(id: string, row: ClientEntity): StoredClient {
  const { scopes, accounts, gateway, expiresAt } = row;
  return {
    id,
    scopes: new Set(scopes),
    accounts: accounts === 'all' ? 'all' : new Set(accounts),
    gateway,
    expiresAtMs: expiresAt ?? Infinity,
  };
}
