import { Injectable } from '@nestjs/common';
import type { AccountEntity } from './account.entity.js';
import { AccountSealer } from './account-sealer.js';
import type { Account } from './account.js';

interface Entry {
  /** Undefined once it is removed. */
  readonly account: Account | undefined;
  readonly row: AccountEntity;
}

/**
 * Which accounts exist, held in memory. The AppSecrets stay sealed here until the moment of a call.
 * AccountFollowerService feeds it. The map is swapped whole, so that who walks it sees one state.
 */
@Injectable()
export class AccountService {
  private entries: ReadonlyMap<string, Entry> = new Map();
  private readonly listeners: ((appIds: readonly string[]) => void)[] = [];
  private hasLoaded = false;
  private markLoaded: () => void = () => undefined;
  /** Resolves once the accounts have been read for the first time; never rejects. */
  readonly loaded = new Promise<void>((resolve) => {
    this.markLoaded = resolve;
  });

  constructor(private readonly sealer: AccountSealer) {}

  all(): Account[] {
    return [...this.entries.values()].flatMap(({ account }) => account ?? []);
  }

  find(appId: string): Account | undefined {
    return this.entries.get(appId)?.account;
  }

  /** Whether there is such an account, or was one before it was removed. */
  hasKnown(appId: string): boolean {
    return this.entries.has(appId);
  }

  /**
   * The AppSecret, opened for one call.
   * @throws SealedValueError when no configured key opens the row
   */
  openSecret(appId: string): string {
    const entry = this.entries.get(appId);
    if (entry?.account === undefined) {
      throw new Error(`there is no account ${appId}`);
    }
    return this.sealer.open(appId, entry.row.secret);
  }

  /** Calls back with the accounts that were added, changed or removed, here or elsewhere; not for the first reading. */
  onChange(listener: (appIds: readonly string[]) => void): void {
    this.listeners.push(listener);
  }

  /** Takes over rows as they were read. */
  adopt(rows: readonly AccountEntity[]): void {
    const entries = new Map(this.entries);
    for (const row of rows) {
      entries.set(row.appId, { row, account: row.removedAt === null ? toAccount(row) : undefined });
    }
    this.replace(
      entries,
      rows.map(({ appId }) => appId),
    );
  }

  /** Rows that are gone, as from a database that was restored. */
  drop(appIds: readonly string[]): void {
    const entries = new Map(this.entries);
    appIds.forEach((appId) => entries.delete(appId));
    this.replace(entries, appIds);
  }

  /** All rows have been read, if there are any. */
  finishLoading(): void {
    this.hasLoaded = true;
    this.markLoaded();
  }

  private replace(entries: ReadonlyMap<string, Entry>, appIds: readonly string[]): void {
    this.entries = entries;
    if (this.hasLoaded) {
      this.listeners.forEach((listener) => {
        listener(appIds);
      });
    }
  }
}

function toAccount(row: AccountEntity): Account {
  const { appId, name, mode, configVersion, fenceBase } = row;
  return Object.freeze({
    appId,
    name,
    mode,
    configVersion,
    fenceBase,
    enabled: row.enabled === 1,
    jssdkHosts: Object.freeze(row.jssdkHosts ?? []),
  });
}
