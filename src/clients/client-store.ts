import { Injectable, Logger } from '@nestjs/common';
import { ClientDirectory, type Client } from '../access/client-directory.js';
import { DatabaseClock } from '../database/database-clock.js';
import { DatabaseError } from '../database/database-error.js';
import type { ClientKeyEntity } from './client-key.entity.js';
import { ClientKeyRepository } from './client-key.repository.js';
import type { ClientEntity } from './client.entity.js';
import { ClientRepository } from './client.repository.js';
import { KeyUses } from './key-uses.js';

/** A statement may show what it wrote up to 5 s after the time that it wrote beside it. */
const OVERLAP_MS = 10_000;
/** Once in a while all is read, which finds what no tombstone tells of: a database that was restored. */
const FULL_MS = 600_000;

interface StoredClient extends Pick<Client, 'id' | 'scopes' | 'accounts'> {
  readonly expiresAtMs: number;
  /** All of it as text, to tell whether a row that was read again has changed. */
  readonly written: string;
}

interface StoredKey {
  readonly clientRowId: string;
  readonly hash: string;
  readonly expiresAtMs: number;
}

/**
 * The stored clients and keys in memory, from which {@link ClientDirectory} is made anew with every change.
 * Only the rows that changed are read: those whose `updated_at` is later than the last reading, with an overlap.
 */
@Injectable()
export class ClientStore {
  private readonly logger = new Logger(ClientStore.name);
  /** By their row's id. */
  private readonly clients = new Map<string, StoredClient>();
  /** By their id. */
  private readonly keys = new Map<string, StoredKey>();
  private readAtMs = 0;
  private readFullyAtMs = -Infinity;
  private reading: Promise<void> = Promise.resolve();
  /** Asked for, and not begun. */
  private next: Promise<void> | undefined;
  private markLoaded: () => void = () => undefined;
  /** Resolves once the clients have been read for the first time; never rejects. */
  readonly loaded = new Promise<void>((resolve) => {
    this.markLoaded = resolve;
  });

  constructor(
    private readonly clientRows: ClientRepository,
    private readonly keyRows: ClientKeyRepository,
    private readonly directory: ClientDirectory,
    private readonly uses: KeyUses,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Reads what has changed, in a reading that begins after this call; one runs at a time. All who ask while it
   * runs share the next: an admin who makes many clients at once does not wait for a reading for each.
   * @throws DatabaseError
   */
  poll(): Promise<void> {
    return (this.next ??= this.readNext());
  }

  /**
   * For a change that was just made here. It is stored, and so what fails now is no failure of the change: the
   * next reading, a second from now, has it as well.
   */
  async adoptNow(): Promise<void> {
    try {
      await this.poll();
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      this.logger.warn({ event: 'change_not_read_back', reason: error.driverCode });
    }
  }

  private readNext(): Promise<void> {
    const reading = this.reading.then(() => {
      this.next = undefined;
      return this.read();
    });
    // Whoever asked for this reading hears of its failure; the next one starts all the same.
    this.reading = reading.catch(() => undefined);
    return reading;
  }

  private async read(): Promise<void> {
    this.directory.markUsesAt(Math.floor(this.clock.nowMs()));
    await this.clock.sync();
    const nowMs = Math.floor(this.clock.nowMs());
    const isClockBack = nowMs < this.readAtMs - OVERLAP_MS / 2;
    const isFull = isClockBack || nowMs - this.readFullyAtMs >= FULL_MS;
    const sinceMs = isFull ? -1 : this.readAtMs - OVERLAP_MS;
    const clients = await this.clientRows.changedSince(sinceMs);
    const keys = await this.keyRows.changedSince(sinceMs);
    const changed = [
      ...clients.map((row) => this.adoptClient(row)),
      ...keys.map((row) => this.adoptKey(row)),
      isFull && this.dropMissing(clients, keys),
    ];
    this.readAtMs = nowMs;
    this.readFullyAtMs = isFull ? nowMs : this.readFullyAtMs;
    if (changed.includes(true) || !this.directory.isLoaded) {
      this.directory.replaceStored(this.byHash());
    }
    this.markLoaded();
  }

  /** @returns whether any were missing */
  private dropMissing(clients: readonly ClientEntity[], keys: readonly ClientKeyEntity[]): boolean {
    const there = new Set([...clients.map(({ rowId }) => rowId), ...keys.map(({ id }) => id)]);
    const missingClients = [...this.clients.keys()].filter((rowId) => !there.has(rowId));
    const missingKeys = [...this.keys.keys()].filter((id) => !there.has(id));
    for (const rowId of missingClients) {
      this.clients.delete(rowId);
    }
    for (const id of missingKeys) {
      this.keys.delete(id);
      this.uses.forget(id);
    }
    return missingClients.length + missingKeys.length > 0;
  }

  /** @returns whether it is news: rows of the overlap are read several times */
  private adoptClient(row: ClientEntity): boolean {
    if (row.id === null) {
      return this.clients.delete(row.rowId);
    }
    const written = JSON.stringify([row.id, row.scopes, row.accounts, row.expiresAt]);
    const isNews = this.clients.get(row.rowId)?.written !== written;
    if (isNews) {
      this.clients.set(row.rowId, toClient(row.id, row, written));
    }
    return isNews;
  }

  /** A key is made and revoked; nothing else of it changes. @returns whether it is news */
  private adoptKey({ id, clientRowId, hash, expiresAt }: ClientKeyEntity): boolean {
    if (hash === null) {
      this.uses.forget(id);
      return this.keys.delete(id);
    }
    const isNews = !this.keys.has(id);
    this.keys.set(id, { clientRowId, hash, expiresAtMs: expiresAt ?? Infinity });
    return isNews;
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
          scopes: client.scopes,
          accounts: client.accounts,
          ...(expiresAtMs < Infinity && { expiresAtMs }),
          use: this.uses.of(keyId),
        });
      }
    }
    return byHash;
  }
}

function toClient(
  id: string,
  { scopes, accounts, expiresAt }: ClientEntity,
  written: string,
): StoredClient {
  return {
    id,
    written,
    scopes: new Set(scopes),
    accounts: accounts === 'all' ? 'all' : new Set(accounts),
    expiresAtMs: expiresAt ?? Infinity,
  };
}
