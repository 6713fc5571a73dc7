import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseClock } from '../../database/database-clock.js';
import { DatabaseError } from '../../database/database-error.js';
import { Clock } from '../../time/clock.js';
import type { Credential } from './credential.js';
import { CredentialStore } from './credential-store.js';
import { claimableAtMs } from './credential-view.js';
import { RefreshAttemptService, type AttemptResult } from './refresh-attempt.service.js';
import { isReplaced, type RefreshRequest } from './refresh-request.js';

export type RefreshResult =
  | AttemptResult
  /** The caller's deadline passed first; the attempt continues without it. */
  | { readonly outcome: 'out_of_time' };

interface Run {
  readonly promise: Promise<AttemptResult>;
  readonly request: RefreshRequest;
}

const LOOK_AGAIN_MS = 250;
const REPLACED = { outcome: 'committed', rotated: true } as const;

/**
 * Single flight: one attempt per credential in this process, shared by all callers. Each caller has its own
 * deadline, so a WeChat that hangs blocks nobody.
 */
@Injectable()
export class RefreshService implements BeforeApplicationShutdown {
  private readonly runs = new Map<Credential, Run>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly attempts: RefreshAttemptService,
    private readonly store: CredentialStore,
    private readonly databaseClock: DatabaseClock,
    private readonly clock: Clock,
  ) {
    // One listener for each caller that waits, and there may be a thousand.
    setMaxListeners(0, this.stopping.signal);
  }

  isRunning(credential: Credential): boolean {
    return this.runs.has(credential);
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
    for (const credential of this.store.all()) {
      credential.wake();
    }
    await this.settled();
  }

  /** Starts an attempt; the caller has checked that none is under way. */
  start(credential: Credential, request: RefreshRequest): Promise<AttemptResult> {
    const promise = this.attempt(credential, request);
    this.runs.set(credential, { promise, request });
    return promise;
  }

  /**
   * Refreshes, or joins the attempt under way. `waitMs` bounds the wait for others and for the floor: for
   * an attempt under way, for the lease of another replica. A caller's own attempt is not cut short,
   * since it continues in any case. Whoever replaces what the request names has done it (refresh-request.ts); a
   * forced refresh never joins an unforced one, but comes after it.
   */
  async refresh(
    credential: Credential,
    request: RefreshRequest,
    waitMs: number,
  ): Promise<RefreshResult> {
    const deadlineMs = this.clock.monotonicMs() + waitMs;
    let { force } = request;
    for (;;) {
      const attempt = { ...request, force };
      if (isReplaced(credential.facts, credential.view, attempt)) {
        return REPLACED;
      }
      const underWay = this.runs.get(credential);
      const result = await (underWay === undefined
        ? this.start(credential, attempt)
        : this.beforeDeadline(underWay.promise, deadlineMs));
      if (isReplaced(credential.facts, credential.view, attempt)) {
        return REPLACED;
      }
      if (result.outcome === 'out_of_time') {
        return result;
      }
      const isAnswer = underWay === undefined || isAnsweredBy(underWay.request, attempt, result);
      if (force === 'no' && credential.view.forceNext) {
        force = 'needed';
      }
      if (isAnswer && !isUndecided(result) && force === attempt.force) {
        return result;
      }
      const isTooEarly = this.isTooEarlyUntil(credential, { ...request, force }, deadlineMs);
      if (isTooEarly || !(await this.lookAgain(credential))) {
        return isAnswer ? result : { outcome: 'not_claimed' };
      }
    }
  }

  private async attempt(credential: Credential, request: RefreshRequest): Promise<AttemptResult> {
    try {
      const result = await this.attempts.attempt(credential, request);
      credential.attempted ||= result.outcome !== 'not_claimed';
      return result;
    } finally {
      this.runs.delete(credential);
      credential.wake();
    }
  }

  private isTooEarlyUntil(
    credential: Credential,
    request: RefreshRequest,
    deadlineMs: number,
  ): boolean {
    const leftMs = deadlineMs - this.clock.monotonicMs();
    const nowMs = this.databaseClock.nowMs();
    const freeAtMs = claimableAtMs(credential.facts, request, nowMs);
    return leftMs < LOOK_AGAIN_MS || freeAtMs - nowMs > leftMs;
  }

  /** @returns false when the service stops, the database is away or the account is */
  private async lookAgain(credential: Credential): Promise<boolean> {
    try {
      await delay(LOOK_AGAIN_MS, undefined, { signal: this.stopping.signal });
      await this.store.reload(credential);
      return credential.isServed;
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
 * Whether the result of the joined attempt answers a request whose value it did not replace. A new value
 * that does not replace what the request names is no answer: it was there before, or is dead already.
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
    result.outcome === 'pending' || (result.outcome === 'committed' && result.rotated);
  return (
    (request.force === 'requested' || !hasNewValue) &&
    joined.replaces.configVersion >= request.replaces.configVersion
  );
}
