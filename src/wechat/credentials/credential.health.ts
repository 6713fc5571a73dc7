import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service.js';
import { Readiness } from '../../health/readiness.js';
import type { Credential } from './credential.js';
import { CredentialStore } from './credential-store.js';

/**
 * Ready once every enabled account has a usable credential or has had its first attempt since the start.
 * An account that fails, or that is added later, does not take the service away from the others: that shows
 * in its state.
 */
@Injectable()
export class CredentialHealth implements OnModuleInit {
  /** The credentials that there were at the start. */
  private awaited: Credential[] | undefined;

  constructor(
    private readonly readiness: Readiness,
    private readonly store: CredentialStore,
    private readonly database: DatabaseService,
  ) {}

  onModuleInit(): void {
    this.readiness.register('credentials', () => this.reason());
    void this.store.loaded.then(() => {
      this.awaited = this.store.all();
    });
  }

  private reason(): string | undefined {
    if (this.awaited === undefined) {
      return this.database.problem ?? 'not loaded from the database yet';
    }
    this.awaited = this.awaited.filter(({ isServed, kind }) => isServed && kind.fetchedAhead);
    const waiting = this.awaited
      .filter(
        (credential) =>
          !credential.attempted &&
          credential.row.failures === 0 &&
          credential.view.unopened === undefined,
      )
      .filter((credential) => this.store.current(credential) === undefined);
    return waiting.length === 0
      ? undefined
      : `${waiting.length} of ${this.awaited.length} are being fetched for the first time`;
  }
}
