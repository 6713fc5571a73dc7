import { Injectable } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { AccountRepository } from './account.repository.js';
import { AccountService } from './account.service.js';

/** A statement is given up after 5 s; so long after its own time a row may still come to light. */
const OVERLAP_MS = 10_000;
/** Should the database's clock have jumped, as when it failed over to another machine: every row. */
const FULL_READING_EVERY = 60;

/** Learns of accounts that another replica added, changed or removed. */
@Injectable()
export class AccountPollService {
  private readAtMs = 0;
  private readings = 0;

  constructor(
    private readonly accounts: AccountService,
    private readonly repository: AccountRepository,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Reads the rows that have changed since the last reading.
   * @returns the AppIDs of the accounts that are others than before
   * @throws DatabaseError
   */
  async poll(): Promise<string[]> {
    const readAtMs = this.clock.nowMs();
    const isFull = this.readings % FULL_READING_EVERY === 0;
    this.accounts.beginReading();
    const rows = await (isFull
      ? this.repository.loadAll()
      : this.repository.loadChangedAfter(Math.trunc(this.readAtMs - OVERLAP_MS)));
    this.readAtMs = readAtMs;
    this.readings += 1;
    return this.accounts.endReading(rows);
  }
}
