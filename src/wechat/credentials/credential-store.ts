import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseService } from '../../database/database.service.js';
import { AppError } from '../../errors/app-error.js';
import { AccountService } from '../accounts/account.service.js';
import type { CredentialEntity } from './credential.entity.js';
import type { CredentialKind } from './credential-kind.js';
import { CredentialRepository } from './credential.repository.js';
import { CredentialSealer } from './credential-sealer.js';
import { Credential } from './credential.js';
import type { CredentialSnapshot } from './credential-snapshot.js';
import { isUsable, isWithheldAsStale } from './credential-view.js';
import { valueHash } from './value-hash.js';
import { ValueIndex } from './value-index.js';

/** Changes that leave every sum as it was are met by then. */
const FULL_READING_EVERY = 60;

/**
 * The credentials in memory: what reads are answered from. The database feeds it; a read never waits
 * for the database.
 */
@Injectable()
export class CredentialStore implements OnApplicationBootstrap {
  private readonly logger = new Logger(CredentialStore.name);
  private readonly kinds = new Map<string, CredentialKind>();
  private readonly credentials = new Map<string, Map<string, Credential>>();
  private readonly byId = new Map<string, Credential>();
  private readonly values = new ValueIndex();
  private readAtMs = 0;
  private agreed = '';
  private polls = 0;
  private hasLoaded = false;
  private markLoaded: () => void = () => undefined;
  /** Resolves once the credentials have been read for the first time; never rejects. */
  readonly loaded = new Promise<void>((resolve) => {
    this.markLoaded = resolve;
  });

  /** Shared by all errors before the first reading, so that they are logged once. */
  private readonly loading = {};

  constructor(
    private readonly repository: CredentialRepository,
    private readonly accounts: AccountService,
    private readonly sealer: CredentialSealer,
    private readonly database: DatabaseService,
    private readonly clock: DatabaseClock,
  ) {}

  onApplicationBootstrap(): void {
    void this.load();
  }

  /** A module names its kind of credential here, before the application starts. */
  register(kind: CredentialKind): void {
    this.kinds.set(kind.name, kind);
    this.credentials.set(kind.name, new Map());
  }

  /** The kinds of which each account has a credential from the start. */
  kindsAhead(): CredentialKind[] {
    return this.allKinds().filter(({ fetchedAhead }) => fetchedAhead);
  }

  allKinds(): CredentialKind[] {
    return [...this.kinds.values()];
  }

  /** Holds a row in memory, unless there is no account for it, or it is held already: single flight needs one credential. */
  add(row: CredentialEntity): void {
    const kind = this.kinds.get(row.kind);
    const account = this.accounts.find(row.appId);
    if (kind === undefined || account === undefined || this.find(row.appId, row.kind)) {
      return;
    }
    const credential = new Credential(
      account,
      kind,
      row,
      (sealed) => this.sealer.open(sealed),
      () => this.clock.nowMs(),
    );
    this.credentials.get(row.kind)?.set(row.appId, credential);
    this.byId.set(row.id, credential);
    this.values.add(credential);
  }

  /** The account of a credential was removed, or added again: its credentials are others. */
  retire(credential: Credential): void {
    this.values.remove(credential);
    this.credentials.get(credential.kind.name)?.delete(credential.account.appId);
    this.byId.delete(credential.row.id);
    credential.retire();
  }

  get isLoaded(): boolean {
    return this.hasLoaded;
  }

  /** What to answer before the first reading: nothing is known yet, not even which accounts there are. */
  notLoaded(): AppError {
    const reason = this.database.problem ?? 'the accounts are being read';
    return new AppError(
      'database_unavailable',
      `Not ready yet: ${reason}. Ask again after Retry-After.`,
      { retryAfterSeconds: 1, incident: this.loading },
    );
  }

  all(): Credential[] {
    return [...this.byId.values()];
  }

  find(appId: string, kind: string): Credential | undefined {
    return this.credentials.get(kind)?.get(appId);
  }

  /**
   * The credential of a kind that is not fetched ahead: at first need it is made, with a row if there is none.
   * @returns undefined where there is no such account
   * @throws DatabaseError at first need
   */
  async open(appId: string, kind: CredentialKind): Promise<Credential | undefined> {
    const known = this.find(appId, kind.name);
    if (known !== undefined || this.accounts.find(appId) === undefined) {
      return known;
    }
    const row = await this.findOrInsert(appId, kind.name);
    // Whoever asked at the same time may have been faster: then their credential stays.
    if (row !== null) {
      this.add(row);
    }
    return this.find(appId, kind.name);
  }

  /** The credential whose value, or last value before it, this is. Whether it is still good: token-validity.ts. */
  findByValue(value: string, kind: CredentialKind): Credential | undefined {
    const credential = this.values.find(valueHash(value));
    return credential?.kind === kind ? credential : undefined;
  }

  /** Every credential of an account. */
  ofAccount(appId: string): Credential[] {
    return [...this.credentials.values()].flatMap((credentials) => credentials.get(appId) ?? []);
  }

  /** What may be handed out at this moment, if anything. The hot path: no promise, no I/O. */
  current(credential: Credential, nowMs = this.clock.nowMs()): CredentialSnapshot | undefined {
    return isUsable(credential.viewForReads, this.readAtMs, nowMs)
      ? credential.snapshot
      : undefined;
  }

  /** There is a value, and only the row has not been read for too long: the next poll may free it. */
  awaitsReading(credential: Credential): boolean {
    return isWithheldAsStale(credential.viewForReads, this.readAtMs, this.clock.nowMs());
  }

  /** When the rows were last read as a whole, by the database's clock; 0 before the first time. */
  get rowsReadAtMs(): number {
    return this.readAtMs;
  }

  /** How much longer a value may be served on the last reading of its row, in milliseconds. */
  trustLeftMs({ trustedMs }: CredentialSnapshot, nowMs: number): number {
    return this.readAtMs + trustedMs - nowMs;
  }

  /** For how long the rows have not been read as a whole, in milliseconds; Infinity before the first time. */
  get unreadMs(): number {
    return this.hasLoaded ? this.clock.nowMs() - this.readAtMs : Infinity;
  }

  /** Reads one row again. @throws DatabaseError */
  async reload(credential: Credential): Promise<void> {
    const { id, version } = credential.row;
    const row = await this.repository.load(id);
    // A read that was overtaken: memory learned of a newer version while it was on its way.
    const isOvertaken =
      row !== null && row.version >= version && row.version < credential.row.version;
    if (row !== null && !isOvertaken) {
      await this.adopt(credential, row);
    }
  }

  /**
   * Reads the database's clock and every row that has changed since it was last seen.
   * @throws DatabaseError
   */
  async poll(): Promise<void> {
    await this.clock.sync();
    const readAtMs = this.clock.nowMs();
    // Read before the rows are: what changes in between is met again by the next poll.
    const digest = await this.repository.loadDigest();
    if (this.polls % FULL_READING_EVERY === 0 || this.agreed !== this.agreement(digest)) {
      await this.readChanged();
      this.agreed = this.agreement(digest);
    }
    this.polls += 1;
    const unread = this.all().filter((credential) => this.awaitsReading(credential));
    this.readAtMs = readAtMs;
    for (const credential of unread) {
      credential.wake();
    }
  }

  /** What the rows and the credentials were when they were last held against each other. */
  private agreement(digest: string): string {
    let [revisions, fences] = [0, 0];
    for (const { row } of this.byId.values()) {
      revisions += row.revision;
      fences += row.fence;
    }
    return `${digest} ${revisions} ${fences}`;
  }

  private async readChanged(): Promise<void> {
    const missing = new Map(this.byId);
    for (const { id, revision } of await this.repository.loadRevisions()) {
      const credential = missing.get(id);
      missing.delete(id);
      if (credential !== undefined && credential.row.revision !== revision) {
        await this.reload(credential);
      }
    }
    for (const credential of missing.values()) {
      if (!credential.isRetired) {
        await this.findAgain(credential);
      }
    }
  }

  /** The row is gone, such as from a database that was emptied: it is made again, unless its account is gone too. */
  private async findAgain(credential: Credential): Promise<void> {
    const { appId } = credential.account;
    const row = await this.findOrInsert(appId, credential.kind.name);
    if (row !== null && !credential.isRetired) {
      this.byId.delete(credential.row.id);
      credential.adopt(row);
      this.byId.set(row.id, credential);
    }
  }

  /** @returns null where the account was removed meanwhile: then nothing of it stays */
  private async findOrInsert(appId: string, kind: string): Promise<CredentialEntity | null> {
    await this.repository.insertEmpty(appId, kind);
    const row = await this.repository.find(appId, kind);
    if (this.accounts.find(appId) !== undefined) {
      return row;
    }
    await this.repository.removeLeftBy(appId);
    return null;
  }

  private async adopt(credential: Credential, row: CredentialEntity): Promise<void> {
    if (credential.adopt(row)) {
      return;
    }
    this.logger.error({
      event: 'row_behind_memory',
      app_id: credential.account.appId,
      kind: credential.kind.name,
      version: credential.version,
      row_version: row.version,
      advice: 'the database was restored or failed over; a new value is fetched at once',
    });
    await this.repository.markSuspect(row.id, row.claimedAt, 0);
  }

  private async load(): Promise<void> {
    const { loaded } = this.accounts;
    if (await this.database.load('credentials', () => this.loadRows(), loaded)) {
      this.hasLoaded = true;
      this.markLoaded();
    }
  }

  private async loadRows(): Promise<void> {
    await this.clock.sync();
    const readAtMs = this.clock.nowMs();
    await this.insertMissing(await this.repository.loadAll());
    await this.sealer.rewriteOld(await this.repository.loadAll());
    for (const row of await this.repository.loadAll()) {
      if (this.accounts.find(row.appId) === undefined) {
        // Whoever removed the account died before it could remove this.
        await this.repository.removeLeftBy(row.appId);
      }
      this.add(row);
    }
    this.readAtMs = readAtMs;
  }

  private async insertMissing(rows: CredentialEntity[]): Promise<void> {
    const known = new Set(rows.map((row) => `${row.kind} ${row.appId}`));
    for (const kind of this.kindsAhead()) {
      for (const { appId } of this.accounts.all()) {
        if (!known.has(`${kind.name} ${appId}`)) {
          await this.repository.insertEmpty(appId, kind.name);
        }
      }
    }
  }
}
