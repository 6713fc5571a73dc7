import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { DatabaseClock } from '../../database/database-clock.js';
import type { Credential } from './credential.js';
import { CredentialStore } from './credential-store.js';
import { displayedState, type StateName } from './credential-view.js';
import { parseFailure } from './refresh-failure.js';

const TROUBLE: ReadonlySet<StateName> = new Set(['blocked', 'dead', 'expired', 'stale', 'suspect']);

/**
 * One line of the log for each change of a credential's state. Some changes are made by a statement, which the
 * credential tells of; others, such as an end, by time alone, hence the look once a second.
 */
@Injectable()
export class CredentialStateScheduler {
  private readonly logger = new Logger(CredentialStateScheduler.name);
  private readonly known = new WeakMap<Credential, StateName>();

  constructor(
    private readonly store: CredentialStore,
    private readonly clock: DatabaseClock,
  ) {}

  @Cron(CronExpression.EVERY_SECOND)
  tick(): void {
    for (const credential of this.store.all()) {
      if (!this.known.has(credential)) {
        // For as long as the credential lives: its listeners go with it.
        credential.onChange(() => {
          this.look(credential);
        });
      }
      this.look(credential);
    }
  }

  private look(credential: Credential): void {
    const from = this.known.get(credential);
    const to = displayedState(credential.view, this.store.rowsReadAtMs, this.clock.nowMs());
    this.known.set(credential, to);
    // What was well when it was first seen, as after a restart, is no news.
    if (from !== to && (from !== undefined || TROUBLE.has(to))) {
      this.report(credential, from, to);
    }
  }

  private report(credential: Credential, from: StateName | undefined, to: StateName): void {
    const failure = parseFailure(credential.row.lastError);
    const { unopened } = credential.view;
    const line = {
      event: 'state_change',
      app_id: credential.account.appId,
      kind: credential.kind.name,
      ...(from !== undefined && { from }),
      to,
      version: credential.version,
      ...(failure !== undefined && { code: failure.code, errcode: failure.errcode }),
      ...(unopened !== undefined && { reason: unopened }),
    };
    // What nobody needs is left to its end.
    if (TROUBLE.has(to) && !credential.isAtRest) {
      this.logger.warn(line);
    } else {
      this.logger.log(line);
    }
  }
}
