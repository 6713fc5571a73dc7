import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { DatabaseClock } from '../../database/database-clock.js';
import type { CredentialSlot } from './credential-slot.js';
import { type StateName, stateOf } from './credential-state.js';
import { CredentialStore } from './credential-store.js';
import { parseFailure } from './refresh-failure.js';

const TROUBLE: ReadonlySet<StateName> = new Set(['blocked', 'dead', 'expired', 'suspect']);

/**
 * One line of the log for each change of a credential's state. Some changes are made by a statement, which the
 * slot tells of; others, such as an end, by time alone, hence the look once a second.
 */
@Injectable()
export class CredentialStateScheduler {
  private readonly logger = new Logger(CredentialStateScheduler.name);
  private readonly known = new WeakMap<CredentialSlot, StateName>();

  constructor(
    private readonly store: CredentialStore,
    private readonly clock: DatabaseClock,
  ) {}

  @Cron(CronExpression.EVERY_SECOND)
  tick(): void {
    for (const slot of this.store.all()) {
      if (!this.known.has(slot)) {
        // For as long as the slot lives: its listeners go with it.
        slot.onChange(() => {
          this.look(slot);
        });
      }
      this.look(slot);
    }
  }

  private look(slot: CredentialSlot): void {
    const from = this.known.get(slot);
    const to = stateOf(slot, this.clock.nowMs());
    this.known.set(slot, to);
    // What was well when it was first seen, as after a restart, is no news.
    if (from !== to && (from !== undefined || TROUBLE.has(to))) {
      this.report(slot, from, to);
    }
  }

  private report(slot: CredentialSlot, from: StateName | undefined, to: StateName): void {
    const failure = parseFailure(slot.row.lastError);
    const line = {
      event: 'state_change',
      app_id: slot.account.appId,
      kind: slot.kind.name,
      ...(from !== undefined && { from }),
      to,
      version: slot.version,
      ...(failure !== undefined && { code: failure.code, errcode: failure.errcode }),
      ...(slot.problem !== undefined && { reason: slot.problem }),
    };
    // What nobody needs is left to its end.
    if (TROUBLE.has(to) && !slot.isAtRest) {
      this.logger.warn(line);
    } else {
      this.logger.log(line);
    }
  }
}
