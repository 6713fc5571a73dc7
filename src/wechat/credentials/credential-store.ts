import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseService } from '../../database/database.service.js';
import type { FollowedTable } from '../../database/followed-table.js';
import { read, type Reading } from '../../database/reading.js';
import { toHeld, type HeldRow } from '../../database/replica-sync.policy.js';
import { ReplicaSyncService } from '../../database/replica-sync.service.js';
import { AppError } from '../../errors/app-error.js';
import { AccountService } from '../accounts/account.service.js';
import { CredentialEntity } from './credential.entity.js';
import type { CredentialKind } from './credential-kind.js';
import { CredentialRepository } from './credential.repository.js';
import { CredentialSealer } from './credential-sealer.js';
import { Credential } from './credential.js';
import type { CredentialSnapshot } from './credential-snapshot.js';
import { isUsable, isWithheldAsStale } from './credential-view.js';

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
  private readonly listeners: ((appId: string, kind: string) => void)[] = [];
  private readAtMs = 0;
  /** Rows of no credential: of an account that was removed, or of a kind that is not known here. */
  private readonly others = new Map<string, HeldRow>();
  /** Whose rows are gone. */
  private readonly gone = new Set<Credential>();
  /** Whose rows have forgotten an attempt, with the time of the first that may have ended the value. */
  private readonly behind = new Map<Credential, number>();
  private readonly table: FollowedTable<CredentialEntity> = {
    entity: CredentialEntity,
    adopt: (rows, reading) => {
      rows.forEach((row) => {
        this.take(row, reading);
      });
    },
    remove: (ids) => {
      this.noteGone(ids);
    },
    inStep: (readAtMs) => {
      this.noteRead(readAtMs);
    },
    held: () => this.held(),
  };
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
    private readonly sync: ReplicaSyncService,
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

  /** The account of a credential was removed, or added again: its credentials are others. */
  retire(credential: Credential): void {
    this.credentials.get(credential.kind.name)?.delete(credential.account.appId);
    this.byId.delete(credential.row.id);
    this.others.set(credential.row.id, credential.held);
    credential.retire();
  }

  /** Calls back at each change of a credential, when one is added, and when one is removed. */
  onChange(listener: (appId: string, kind: string) => void): void {
    this.listeners.push(listener);
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
    const { rows: row, reading } = await this.findOrInsert(appId, kind.name);
    // Whoever asked at the same time may have been faster: then their credential stays.
    if (row !== null && this.find(appId, kind.name) === undefined) {
      this.add(row, reading);
    }
    return this.find(appId, kind.name);
  }

  /** Every credential of a kind. */
  ofKind(kind: string): Credential[] {
    return [...(this.credentials.get(kind)?.values() ?? [])];
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
    const { rows: row, reading } = await read(() => this.repository.load(credential.row.id));
    // Another row may have come in the place of the one that was read.
    if (row !== null && row.id === credential.row.id) {
      this.adopt(credential, row, reading);
      await this.tellBehind(credential);
    }
  }

  /** Writes what the last rounds found missing: rows that are gone, and suspicions. @throws DatabaseError */
  async repair(): Promise<void> {
    for (const credential of this.gone) {
      if (!credential.isRetired) {
        await this.makeAgain(credential);
      }
      this.gone.delete(credential);
    }
    for (const credential of this.behind.keys()) {
      await this.tellBehind(credential);
    }
  }

  private held(): ReadonlyMap<string, HeldRow> {
    const held = new Map(this.others);
    for (const [id, credential] of this.byId) {
      if (!this.gone.has(credential)) {
        held.set(id, credential.held);
      }
    }
    return held;
  }

  private take(row: CredentialEntity, reading: Reading): void {
    const credential = this.byId.get(row.id);
    if (credential === undefined) {
      this.add(row, reading);
    } else {
      this.adopt(credential, row, reading);
    }
  }

  /** Takes a row into memory, unless it has no account or is there already: single flight needs one object per credential. */
  private add(row: CredentialEntity, reading: Reading): void {
    const kind = this.kinds.get(row.kind);
    const account = this.accounts.find(row.appId);
    if (kind === undefined || account === undefined || this.find(row.appId, row.kind)) {
      this.others.set(row.id, toHeld(row, reading));
      return;
    }
    this.others.delete(row.id);
    const credential = new Credential(
      account,
      kind,
      row,
      (sealed) => this.sealer.open(sealed),
      () => this.clock.nowMs(),
      reading,
    );
    this.credentials.get(row.kind)?.set(row.appId, credential);
    this.byId.set(row.id, credential);
    // For as long as the credential lives: its listeners go with it.
    credential.onChange(() => {
      this.tellChanged(credential);
    });
    this.tellChanged(credential);
  }

  /** A row that is gone, such as from a database that was emptied, is made again, unless its account is gone too. */
  private noteGone(ids: readonly string[]): void {
    for (const id of ids) {
      this.others.delete(id);
      const credential = this.byId.get(id);
      if (credential !== undefined) {
        this.gone.add(credential);
      }
    }
  }

  private noteRead(readAtMs: number): void {
    const unread = this.all().filter((credential) => this.awaitsReading(credential));
    this.readAtMs = readAtMs;
    for (const credential of unread) {
      credential.wake();
    }
  }

  private async makeAgain(credential: Credential): Promise<void> {
    const { appId } = credential.account;
    const { rows: row, reading } = await this.findOrInsert(appId, credential.kind.name);
    if (row !== null && !credential.isRetired) {
      this.byId.delete(credential.row.id);
      this.others.delete(row.id);
      credential.adopt(row, reading);
      this.byId.set(row.id, credential);
    }
  }

  /** @returns null where the account was removed meanwhile: then nothing of it stays */
  private async findOrInsert(
    appId: string,
    kind: string,
  ): Promise<{ readonly rows: CredentialEntity | null; readonly reading: Reading }> {
    await this.repository.insertEmpty(appId, kind);
    const found = await read(() => this.repository.find(appId, kind));
    if (this.accounts.find(appId) !== undefined) {
      return found;
    }
    await this.repository.removeLeftBy(appId);
    return { ...found, rows: null };
  }

  private tellChanged({ account, kind }: Credential): void {
    for (const listener of this.listeners) {
      listener(account.appId, kind.name);
    }
  }

  private adopt(credential: Credential, row: CredentialEntity, reading: Reading): void {
    const { version, suspectAt, claimedAt } = credential.row;
    if (credential.adopt(row, reading)) {
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
    this.behind.set(credential, row.version < version ? row.claimedAt : (suspectAt ?? claimedAt));
  }

  /** What the row has forgotten may have ended its value. @throws DatabaseError; {@link repair} goes on */
  private async tellBehind(credential: Credential): Promise<void> {
    const attemptAtMs = this.behind.get(credential);
    if (attemptAtMs !== undefined) {
      await this.repository.markSuspect(credential.row.id, attemptAtMs, 0);
      this.behind.delete(credential);
    }
  }

  private async load(): Promise<void> {
    const { loaded } = this.accounts;
    if (await this.database.load('credentials', () => this.loadRows(), loaded)) {
      this.hasLoaded = true;
      this.markLoaded();
    }
  }

  private async loadRows(): Promise<void> {
    await this.insertMissing(await this.repository.loadAll());
    const rows = await this.repository.loadAll();
    await this.sealer.rewriteOld(rows);
    for (const { appId } of rows) {
      if (this.accounts.find(appId) === undefined) {
        // Whoever removed the account died before it could remove this.
        await this.repository.removeLeftBy(appId);
      }
    }
    await this.sync.follow(this.table).catchUp();
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
