import { Injectable, Logger } from '@nestjs/common';
import { toDatabaseError } from '../../database/database-error.js';
import { CredentialRepository } from './credential.repository.js';
import { CredentialScheduler } from './credential.scheduler.js';
import { CredentialStore } from './credential-store.js';
import { parseFailure } from './refresh-failure.js';

/**
 * Ends the long pauses of an account that wait for a person, once a person has acted: by the rows, so that
 * whichever replica looks next tries, and whoever holds the credential in memory learns of it by its poll.
 */
@Injectable()
export class PauseService {
  private readonly logger = new Logger(PauseService.name);

  constructor(
    private readonly repository: CredentialRepository,
    private readonly store: CredentialStore,
    private readonly scheduler: CredentialScheduler,
  ) {}

  /** Starts what is due by it, and does not wait for WeChat. Never rejects: the pauses also end on their own. */
  async end(appId: string): Promise<void> {
    try {
      for (const row of await this.repository.loadOf(appId)) {
        if (parseFailure(row.lastError)?.failureClass === 'operator') {
          await this.repository.endPause(row);
        }
      }
      for (const credential of this.store.ofAccount(appId)) {
        await this.store.reload(credential);
      }
    } catch (error) {
      const reason = toDatabaseError(error).driverCode;
      this.logger.warn({ event: 'pauses_not_ended', app_id: appId, reason });
    }
    this.scheduler.tick();
  }
}
