import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseError } from '../../database/database-error.js';
import { Clock } from '../../time/clock.js';
import { ClaimService } from './claim.service.js';
import type { CredentialSlot } from './credential-slot.js';
import { CredentialStore } from './credential-store.js';
import { RefreshAttemptService, type AttemptResult } from './refresh-attempt.service.js';
import { isReplaced, type RefreshRequest } from './refresh-request.js';

export type RefreshResult =
  | AttemptResult
  /** The caller's time ended first; what is under way goes on without it. */
  | { readonly outcome: 'out_of_time' };

interface Run {
  readonly promise: Promise<AttemptResult>;
  readonly request: RefreshRequest;
}

const LOOK_AGAIN_MS = 250;
const REPLACED = { outcome: 'committed', rotated: true } as const;

/**
 * Single flight: one attempt for each credential in this process, shared by all who want one. Each
 * caller has a deadline of its own, so that a WeChat that hangs freezes nobody.
 */
@Injectable()
export class RefreshService implements BeforeApplicationShutdown {
  private readonly runs = new Map<CredentialSlot, Run>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly attempts: RefreshAttemptService,
    private readonly claims: ClaimService,
    private readonly store: CredentialStore,
    private readonly databaseClock: DatabaseClock,
    private readonly clock: Clock,
  ) {
    // One listener for each caller that waits, and there may be a thousand.
    setMaxListeners(0, this.stopping.signal);
  }

  isRunning(slot: CredentialSlot): boolean {
    return this.runs.has(slot);
  }

  /** How many attempts are under way. */
  get underWay(): number {
    return this.runs.size;
  }

  get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Ends when every attempt that is under way has ended. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.runs.values()].map((run) => run.promise));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    for (const slot of this.store.all()) {
      slot.wake();
    }
    await this.settled();
  }

  /** Starts an attempt; the caller has looked that none is under way. */
  start(slot: CredentialSlot, request: RefreshRequest): Promise<AttemptResult> {
    const promise = this.attempt(slot, request);
    this.runs.set(slot, { promise, request });
    return promise;
  }

  /**
   * Refreshes, or joins the attempt under way. `waitMs` bounds the wait for others and for the floor: for
   * an attempt under way, for a lease that another replica holds. An attempt of one's own is seen through,
   * since it is made in any case. Whoever replaces what the request names has done it (refresh-request.ts); a
   * forced refresh never joins an unforced one, but comes after it.
   */
  async refresh(
    slot: CredentialSlot,
    request: RefreshRequest,
    waitMs: number,
  ): Promise<RefreshResult> {
    const deadlineMs = this.clock.monotonicMs() + waitMs;
    let { force } = request;
    for (;;) {
      const attempt = { ...request, force };
      if (isReplaced(slot, attempt)) {
        return REPLACED;
      }
      const underWay = this.runs.get(slot);
      const result = await (underWay === undefined
        ? this.start(slot, attempt)
        : this.beforeDeadline(underWay.promise, deadlineMs));
      if (isReplaced(slot, attempt)) {
        return REPLACED;
      }
      if (result.outcome === 'out_of_time') {
        return result;
      }
      const isAnswer = underWay === undefined || isAnsweredBy(underWay.request, attempt, result);
      if (force === 'no' && this.claims.needsForce(slot)) {
        force = 'needed';
      }
      if (isAnswer && !isUndecided(result) && force === attempt.force) {
        return result;
      }
      const isTooEarly = this.isTooEarlyUntil(slot, { ...request, force }, deadlineMs);
      if (isTooEarly || !(await this.lookAgain(slot))) {
        return isAnswer ? result : { outcome: 'not_claimed' };
      }
    }
  }

  private async attempt(slot: CredentialSlot, request: RefreshRequest): Promise<AttemptResult> {
    try {
      const result = await this.attempts.attempt(slot, request);
      slot.attempted ||= result.outcome !== 'not_claimed';
      return result;
    } finally {
      this.runs.delete(slot);
      slot.wake();
    }
  }

  private isTooEarlyUntil(
    slot: CredentialSlot,
    request: RefreshRequest,
    deadlineMs: number,
  ): boolean {
    const leftMs = deadlineMs - this.clock.monotonicMs();
    const freeAtMs = this.claims.earliestAtMs(slot, request);
    return leftMs < LOOK_AGAIN_MS || freeAtMs - this.databaseClock.nowMs() > leftMs;
  }

  /** @returns false when the service stops, the database is away or the account is */
  private async lookAgain(slot: CredentialSlot): Promise<boolean> {
    try {
      await delay(LOOK_AGAIN_MS, undefined, { signal: this.stopping.signal });
      await this.store.reload(slot);
      return slot.isServed;
    } catch (error) {
      if (error instanceof DatabaseError || this.isStopping) {
        return false;
      }
      throw error;
    }
  }

  private async beforeDeadline(
    attempt: Promise<AttemptResult>,
    deadlineMs: number,
  ): Promise<RefreshResult> {
    let timer: NodeJS.Timeout | undefined;
    const outOfTime = new Promise<RefreshResult>((resolve) => {
      const leftMs = Math.max(0, deadlineMs - this.clock.monotonicMs());
      timer = setTimeout(() => {
        resolve({ outcome: 'out_of_time' });
      }, leftMs);
    });
    try {
      return await Promise.race([attempt, outOfTime]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Another replica has the lease or came after us, or it is too early: looking again may help. */
function isUndecided({ outcome }: RefreshResult): boolean {
  return outcome === 'not_claimed' || outcome === 'fenced_off';
}

/**
 * Whether what came of the attempt that was joined is the answer to a request that it did not replace anything for.
 * A new value that does not replace what the request names is none: it was there before, or is dead already.
 */
function isAnsweredBy(
  joined: RefreshRequest,
  request: RefreshRequest,
  result: AttemptResult,
): boolean {
  if (request.force !== 'no' && joined.force === 'no') {
    return false;
  }
  const hasNewValue =
    result.outcome === 'held' || (result.outcome === 'committed' && result.rotated);
  return (
    (request.force === 'requested' || !hasNewValue) &&
    joined.replaces.configVersion >= request.replaces.configVersion
  );
}
