import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service.js';
import { Readiness } from '../../health/readiness.js';
import { CredentialStore } from './credential-store.js';

/**
 * Ready once every enabled account has a usable credential or has had its first attempt since the start.
 * An account that fails, or that is added later, does not take the service away from the others: that shows
 * in its state.
 */
@Injectable()
export class CredentialHealth implements OnModuleInit {
  private hasBeenReady = false;

  constructor(
    private readonly readiness: Readiness,
    private readonly store: CredentialStore,
    private readonly database: DatabaseService,
  ) {}

  onModuleInit(): void {
    this.readiness.register('credentials', () => this.reason());
  }

  private reason(): string | undefined {
    if (!this.store.isLoaded) {
      return this.database.problem ?? 'not loaded from the database yet';
    }
    if (this.hasBeenReady) {
      return undefined;
    }
    const waiting = this.store
      .all()
      .filter(({ account, kind }) => account.enabled && kind.fetchedAhead)
      .filter((slot) => !slot.attempted && slot.row.failures === 0 && slot.problem === undefined)
      .filter((slot) => this.store.current(slot) === undefined);
    this.hasBeenReady = waiting.length === 0;
    return this.hasBeenReady
      ? undefined
      : `${waiting.length} of ${this.store.all().length} are being fetched for the first time`;
  }
}
