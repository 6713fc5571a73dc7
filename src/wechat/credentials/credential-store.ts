import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseService } from '../../database/database.service.js';
import { AppError } from '../../errors/app-error.js';
import { AccountService } from '../accounts/account.service.js';
import type { CredentialEntity } from './credential.entity.js';
import type { CredentialKind } from './credential-kind.js';
import { isServable } from './credential.policy.js';
import { CredentialRepository } from './credential.repository.js';
import { CredentialSealer } from './credential-sealer.js';
import { CredentialSlot } from './credential-slot.js';
import type { CredentialSnapshot } from './credential-snapshot.js';
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
  private readonly slots = new Map<string, Map<string, CredentialSlot>>();
  private readonly slotsById = new Map<string, CredentialSlot>();
  private readonly values = new ValueIndex();
  private rowsReadAtMs = 0;
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
    this.slots.set(kind.name, new Map());
  }

  /** The kinds of which each account has a credential from the start. */
  kindsAhead(): CredentialKind[] {
    return this.allKinds().filter(({ fetchedAhead }) => fetchedAhead);
  }

  allKinds(): CredentialKind[] {
    return [...this.kinds.values()];
  }

  /** Holds a row in memory, unless there is no account for it, or it is held already: single flight needs one slot. */
  add(row: CredentialEntity): void {
    const kind = this.kinds.get(row.kind);
    const account = this.accounts.find(row.appId);
    if (kind === undefined || account === undefined || this.slot(row.appId, row.kind)) {
      return;
    }
    const slot = new CredentialSlot(account, kind, row, (sealed) => this.sealer.open(sealed));
    this.slots.get(row.kind)?.set(row.appId, slot);
    this.slotsById.set(row.id, slot);
    this.values.add(slot);
  }

  /** The account of a slot was removed, or added again: its credentials are others. */
  retire(slot: CredentialSlot): void {
    this.values.remove(slot);
    this.slots.get(slot.kind.name)?.delete(slot.account.appId);
    this.slotsById.delete(slot.row.id);
    slot.retire();
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

  all(): CredentialSlot[] {
    return [...this.slotsById.values()];
  }

  slot(appId: string, kind: string): CredentialSlot | undefined {
    return this.slots.get(kind)?.get(appId);
  }

  /**
   * The slot of a kind that is not fetched ahead: at first need it is made, with a row if there is none.
   * @returns undefined where there is no such account
   * @throws DatabaseError at first need
   */
  async open(appId: string, kind: CredentialKind): Promise<CredentialSlot | undefined> {
    const known = this.slot(appId, kind.name);
    if (known !== undefined || this.accounts.find(appId) === undefined) {
      return known;
    }
    const row = await this.findOrInsert(appId, kind.name);
    // Whoever asked at the same time may have been faster: then their slot stays.
    if (row !== null) {
      this.add(row);
    }
    return this.slot(appId, kind.name);
  }

  /** The credential whose value, or last value before it, this is. Whether it is still good: standing.ts. */
  findByValue(value: string, kind: CredentialKind): CredentialSlot | undefined {
    const slot = this.values.find(valueHash(value));
    return slot?.kind === kind ? slot : undefined;
  }

  /** Every credential of an account. */
  slotsOf(appId: string): CredentialSlot[] {
    return [...this.slots.values()].flatMap((slots) => slots.get(appId) ?? []);
  }

  /** What may be handed out at this moment, if anything. The hot path: no promise, no I/O. */
  current(slot: CredentialSlot, nowMs = this.clock.nowMs()): CredentialSnapshot | undefined {
    const { snapshot } = slot;
    if (snapshot === undefined) {
      return undefined;
    }
    return isServable(snapshot.expiresAtMs, nowMs) && this.isTrusted(slot, snapshot, nowMs)
      ? snapshot
      : undefined;
  }

  /** There is a value, and only the row has not been read for too long: the next poll may free it. */
  awaitsReading(slot: CredentialSlot): boolean {
    const { snapshot } = slot;
    const nowMs = this.clock.nowMs();
    return (
      snapshot !== undefined &&
      isServable(snapshot.expiresAtMs, nowMs) &&
      !this.isTrusted(slot, snapshot, nowMs)
    );
  }

  /** How long the live value may still be served, in milliseconds; 0 or less when it may not. */
  servableMs(slot: CredentialSlot): number {
    return slot.servableUntilMs() - this.clock.nowMs();
  }

  /** How much longer the value may be served on the last reading of its row, in milliseconds. */
  trustLeftMs(slot: CredentialSlot, nowMs = this.clock.nowMs()): number {
    const trustedMs = slot.snapshot?.trustedMs ?? Infinity;
    return this.rowsReadAtMs + trustedMs - nowMs;
  }

  /** For how long the rows have not been read as a whole, in milliseconds; Infinity before the first time. */
  get unreadMs(): number {
    return this.hasLoaded ? this.clock.nowMs() - this.rowsReadAtMs : Infinity;
  }

  /** Reads one row again. @throws DatabaseError */
  async reload(slot: CredentialSlot): Promise<void> {
    const { id, version } = slot.row;
    const row = await this.repository.load(id);
    // A read that was overtaken: memory learned of a newer version while it was on its way.
    const isOvertaken = row !== null && row.version >= version && row.version < slot.row.version;
    if (row !== null && !isOvertaken) {
      await this.adopt(slot, row);
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
    const unread = this.all().filter((slot) => this.awaitsReading(slot));
    this.rowsReadAtMs = readAtMs;
    for (const slot of unread) {
      slot.wake();
    }
  }

  /** What the rows and the slots were when they were last held against each other. */
  private agreement(digest: string): string {
    let [revisions, fences] = [0, 0];
    for (const { row } of this.slotsById.values()) {
      revisions += row.revision;
      fences += row.fence;
    }
    return `${digest} ${revisions} ${fences}`;
  }

  private async readChanged(): Promise<void> {
    const missing = new Map(this.slotsById);
    for (const { id, revision } of await this.repository.loadRevisions()) {
      const slot = missing.get(id);
      missing.delete(id);
      if (slot !== undefined && slot.row.revision !== revision) {
        await this.reload(slot);
      }
    }
    for (const slot of missing.values()) {
      if (!slot.isRetired) {
        await this.findAgain(slot);
      }
    }
  }

  /** The row is gone, such as from a database that was emptied: it is made again, unless its account is gone too. */
  private async findAgain(slot: CredentialSlot): Promise<void> {
    const { appId } = slot.account;
    const row = await this.findOrInsert(appId, slot.kind.name);
    if (row !== null && !slot.isRetired) {
      this.slotsById.delete(slot.row.id);
      slot.adopt(row);
      this.slotsById.set(row.id, slot);
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

  private isTrusted(slot: CredentialSlot, snapshot: CredentialSnapshot, nowMs: number): boolean {
    return nowMs - this.rowsReadAtMs < snapshot.trustedMs || slot.isVouched(nowMs);
  }

  private async adopt(slot: CredentialSlot, row: CredentialEntity): Promise<void> {
    if (slot.adopt(row)) {
      return;
    }
    this.logger.error({
      event: 'row_behind_memory',
      app_id: slot.account.appId,
      kind: slot.kind.name,
      version: slot.version,
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
    this.rowsReadAtMs = readAtMs;
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
