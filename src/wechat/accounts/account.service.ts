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
 * AccountLoaderService fills it at the start; later it is fed by what AccountPollService reads and by what
 * AccountEditorService changes from here. The map is swapped whole, so that who walks it sees one state.
 */
@Injectable()
export class AccountService {
  private entries: ReadonlyMap<string, Entry> = new Map();
  private readonly changedHere = new Set<string>();
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

  /** The first reading. */
  fill(rows: readonly AccountEntity[]): void {
    this.replace(rows);
    this.markLoaded();
  }

  /** A row as it is after a change that was made from here; it counts at once. */
  adopt(row: AccountEntity): void {
    this.changedHere.add(row.appId);
    this.replace([row]);
  }

  /** Comes before the rows of a poll are asked for. */
  beginReading(): void {
    this.changedHere.clear();
  }

  /**
   * Takes over what a poll read. What was changed from here meanwhile may have been read before that, so
   * it is left to the next poll.
   * @returns the AppIDs of the accounts that are others than before
   */
  endReading(rows: readonly AccountEntity[]): string[] {
    const news = rows.filter((row) => !this.changedHere.has(row.appId) && this.isNews(row));
    if (news.length > 0) {
      this.replace(news);
    }
    return news.map(({ appId }) => appId);
  }

  private isNews(row: AccountEntity): boolean {
    const known = this.entries.get(row.appId);
    return JSON.stringify(known?.row) !== JSON.stringify(row);
  }

  private replace(rows: readonly AccountEntity[]): void {
    const entries = new Map(this.entries);
    for (const row of rows) {
      entries.set(row.appId, { row, account: row.removedAt === null ? toAccount(row) : undefined });
    }
    this.entries = entries;
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
