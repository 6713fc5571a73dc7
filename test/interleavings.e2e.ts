import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { DatabaseService } from '../src/database/database.service.js';
import { ReplicaSyncService } from '../src/database/replica-sync.service.js';
import { Keyring } from '../src/encryption/keyring.js';
import { Clock } from '../src/time/clock.js';
import { DatabaseClock } from '../src/database/database-clock.js';
import { ACCESS_TOKEN_POLICIES } from '../src/wechat/access-token/access-token.policy.js';
import type { Account } from '../src/wechat/accounts/account.js';
import { WechatCallError } from '../src/wechat/api/wechat-call.error.js';
import type { CredentialKind, FetchedValue } from '../src/wechat/credentials/credential-kind.js';
import { CredentialRepository } from '../src/wechat/credentials/credential.repository.js';
import { Credential } from '../src/wechat/credentials/credential.js';
import { CredentialStore } from '../src/wechat/credentials/credential-store.js';
import { RefreshAttemptService } from '../src/wechat/credentials/refresh-attempt.service.js';
import { startService, type Service } from './support/service.js';
import { cases } from './support/thorough.js';

/*
 * The protocol under every order of its steps. Several replicas' memories of one real row, the real
 * engine, the real database; fast-check's scheduler decides which statement and which call of WeChat
 * goes next, and a plan of faults what becomes of each call.
 *
 * WeChat is modelled in its legacy mode, the dangerous one: each fetch mints, and the one before lives
 * 300 s more.
 */

type Fate =
  /** Minted and answered. */
  | 'answered'
  /** Minted; the answer is lost. */
  | 'lost_after'
  /** Nothing happened; the answer is lost. */
  | 'lost_before'
  /** Refused: the outcome is known. */
  | 'refused'
  /** Minted; the process that asked is never heard of again. */
  | 'process_died'
  /** Minted; the process that asked stands still, and gets the answer when it is woken. */
  | 'stalled';

interface Step {
  /** Which replicas attempt a refresh together. */
  readonly replicas: readonly number[];
  /** Time that passes before. */
  readonly afterSeconds: number;
  /** Whether the processes that stand still go on before it. */
  readonly wakes: boolean;
}

const REPLICAS = 3;
const OVERLAP_MS = 300_000;
const LIFETIME_SECONDS = 7_200;
/** Of WECHAT_TIMEOUT_MS = 5000. */
const LEASE_MS = 45_000;

let service: Service;
let clock: Clock;

/** Statements of code that runs under it wait for its turn; those of the service's own rounds do not. */
const ordered = new AsyncLocalStorage<fc.Scheduler>();
const broken: unknown[] = [];
let statementsUnderWay = 0;

beforeAll(async () => {
  // No account and no WeChat: the rows of this file are its own.
  service = await startService(
    { url: 'http://127.0.0.1:9' },
    { WECHAT_APP_ID: undefined, WECHAT_APP_SECRET: undefined, WECHAT_TIMEOUT_MS: '5000' },
  );
  await service.ready();
  clock = service.app.get(Clock);
  orderStatements(service.app.get(DatabaseService));
});

afterAll(() => service.close());

function orderStatements(database: DatabaseService): void {
  const run = database.run.bind(database);
  database.run = async <T>(statement: (source: DataSource) => Promise<T>): Promise<T> => {
    await ordered.getStore()?.schedule(Promise.resolve(), 'statement');
    statementsUnderWay += 1;
    try {
      return await run(statement);
    } finally {
      statementsUnderWay -= 1;
    }
  };
}

/** WeChat's legacy token of one account. */
class ModelledWechat implements CredentialKind {
  readonly name = 'modelled';
  readonly fetchedAhead = false;
  /** Fetches that began while an earlier one's lease ran, in milliseconds after it. */
  readonly overlaps: number[] = [];
  readonly fetchedAtMs: number[] = [];
  private readonly underWay = new Set<{ startedAtMs: number }>();
  private readonly stalled: (() => void)[] = [];
  private readonly minted: { value: string; atMs: number }[] = [];

  constructor(
    private readonly scheduler: fc.Scheduler,
    private readonly fates: Fate[],
  ) {}

  policyFor(): (typeof ACCESS_TOKEN_POLICIES)['legacy'] {
    return ACCESS_TOKEN_POLICIES.legacy;
  }

  async fetch(): Promise<FetchedValue> {
    const fate = this.fates.shift() ?? 'answered';
    this.fetchedAtMs.push(clock.wallMs());
    this.noteOverlaps();
    const mine = { startedAtMs: clock.wallMs() };
    this.underWay.add(mine);
    await this.scheduler.schedule(Promise.resolve(), `arrives at WeChat: ${fate}`);
    if (fate !== 'lost_before' && fate !== 'refused') {
      this.minted.push({ value: `token-${this.minted.length + 1}`, atMs: clock.wallMs() });
    }
    const value = this.newest ?? '';
    await this.scheduler.schedule(Promise.resolve(), `answer: ${fate}`);
    if (fate === 'process_died') {
      return new Promise<never>(() => undefined);
    }
    if (fate === 'stalled') {
      await new Promise<void>((resolve) => this.stalled.push(resolve));
    }
    this.underWay.delete(mine);
    if (fate === 'lost_after' || fate === 'lost_before' || fate === 'refused') {
      throw callError(fate === 'refused' ? 'transient' : 'unknown_outcome');
    }
    return { value, expiresIn: LIFETIME_SECONDS };
  }

  private noteOverlaps(): void {
    for (const { startedAtMs } of this.underWay) {
      const laterMs = clock.wallMs() - startedAtMs;
      if (laterMs < LEASE_MS - 1_000) {
        this.overlaps.push(laterMs);
      }
    }
  }

  /** The processes that stand still go on. */
  wake(): void {
    this.stalled.splice(0).forEach((goOn) => {
      goOn();
    });
  }

  /** From here on every call is answered. */
  heal(): void {
    this.fates.length = 0;
    this.wake();
  }

  probe(): Promise<'unknown'> {
    return Promise.resolve('unknown');
  }

  get newest(): string | undefined {
    return this.minted.at(-1)?.value;
  }

  accepts(value: string): boolean {
    const index = this.minted.findIndex((token) => token.value === value);
    const next = this.minted[index + 1];
    const isCovered = index >= this.minted.length - 2;
    return next === undefined || (isCovered && clock.wallMs() - next.atMs < OVERLAP_MS);
  }
}

function callError(failureClass: 'transient' | 'unknown_outcome'): WechatCallError {
  return new WechatCallError('fetch', {
    failureClass,
    errcode: null,
    errmsg: 'modelled',
    advice: 'none',
    code: 'wechat_unreachable',
    bytesSent: failureClass === 'unknown_outcome',
  });
}

async function replicasOf(kind: ModelledWechat): Promise<Credential[]> {
  const appId = randomUUID().slice(0, 18);
  const repository = service.app.get(CredentialRepository);
  const keyring = service.app.get(Keyring);
  await repository.insertEmpty(appId, kind.name);
  const row = await repository.find(appId, kind.name);
  if (row === null) {
    throw new Error('the row was not made');
  }
  const account: Account = {
    appId,
    name: null,
    mode: 'legacy',
    enabled: true,
    configVersion: 0,
    jssdkHosts: [],
    fenceBase: 0,
  };
  return Array.from(
    { length: REPLICAS },
    () =>
      new Credential(
        account,
        kind,
        row,
        ({ id, value }) =>
          keyring.open(value ?? '', { table: 'credential', row: id, column: 'value' }),
        () => service.app.get(DatabaseClock).nowMs(),
      ),
  );
}

/** Lets all that was scheduled go on, in the scheduler's order, until nothing is left that can. */
async function runDry(scheduler: fc.Scheduler): Promise<void> {
  do {
    while (scheduler.count() > 0) {
      await scheduler.waitNext(1);
    }
    await nextTurn();
  } while (scheduler.count() > 0 || statementsUnderWay > 0);
}

/** What the poll does once a second on every replica. */
async function readAgain(slots: Credential[]): Promise<void> {
  const store = service.app.get(CredentialStore);
  await service.app.get(ReplicaSyncService).round();
  for (const slot of slots) {
    await store.reload(slot);
  }
}

const steps = fc.array(
  fc.record<Step>({
    replicas: fc.subarray([0, 1, 2]),
    wakes: fc.boolean(),
    afterSeconds: fc.constantFrom(0, 1, 5, 6, 21, 46, 100, 280, 4_800),
  }),
  { minLength: 1, maxLength: 8 },
);
const fates = fc.array(
  fc.constantFrom<Fate>(
    'answered',
    'lost_after',
    'lost_before',
    'refused',
    'process_died',
    'stalled',
  ),
  { maxLength: 6 },
);

describe('the protocol, whatever the order of its steps and the fate of its calls', () => {
  it('serves no dead token, keeps the floor, never goes back, and settles', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, fates, async (scheduler, plan, fate) => {
        const wechat = new ModelledWechat(scheduler, [...fate]);
        const slots = await replicasOf(wechat);
        const versions = slots.map(() => 0);
        let stored = 0;
        for (const step of plan) {
          clock.advance(step.afterSeconds * 1_000);
          if (step.wakes) {
            wechat.wake();
          }
          await runDry(scheduler);
          await readAgain(slots);
          slots.forEach((slot) => {
            assertServable(wechat, slot);
          });
          for (const replica of step.replicas) {
            attempt(scheduler, slots[replica]!);
          }
          await runDry(scheduler);
          await readAgain(slots);
          slots.forEach((slot, index) => {
            assertServable(wechat, slot);
            expect(slot.version).toBeGreaterThanOrEqual(versions[index]!);
            versions[index] = slot.version;
          });
          expect(slots[0]!.row.version).toBeGreaterThanOrEqual(stored);
          stored = slots[0]!.row.version;
        }
        assertFloor(wechat);
        expect(wechat.overlaps).toEqual([]);
        await assertSettles(scheduler, wechat, slots);
      }),
      { numRuns: cases({ usual: 40, thorough: 200 }) },
    );
  }, 120_000);
});

function attempt(scheduler: fc.Scheduler, slot: Credential): void {
  ordered.run(scheduler, () => {
    const request = { cause: 'admin', force: 'no', replaces: slot.target } as const;
    service.app
      .get(RefreshAttemptService)
      .attempt(slot, request)
      .catch((error: unknown) => broken.push(error));
  });
}

/** While a fetch is under way the value may have died a moment ago; its grace is 3 s. */
function assertServable(wechat: ModelledWechat, slot: Credential): void {
  const snapshot = service.app.get(CredentialStore).current(slot);
  const { owner, claimedAt } = slot.row;
  const isSettling = owner !== null && clock.wallMs() - claimedAt <= 3_500;
  if (snapshot !== undefined && !isSettling) {
    expect(`${snapshot.value}: ${String(wechat.accepts(snapshot.value))}`).toBe(
      `${snapshot.value}: true`,
    );
  }
  expect(broken).toEqual([]);
}

function assertFloor({ fetchedAtMs }: ModelledWechat): void {
  for (const [index, atMs] of fetchedAtMs.entries()) {
    // The floor counts from claim to claim by the database; a call follows its claim after a moment.
    expect(atMs - (fetchedAtMs[index - 1] ?? -Infinity)).toBeGreaterThan(4_800);
  }
}

async function assertSettles(
  scheduler: fc.Scheduler,
  wechat: ModelledWechat,
  slots: Credential[],
): Promise<void> {
  wechat.heal();
  await runDry(scheduler);
  clock.advance(600_000);
  await readAgain(slots);
  attempt(scheduler, slots[0]!);
  await runDry(scheduler);
  await readAgain(slots);
  for (const slot of slots) {
    expect(service.app.get(CredentialStore).current(slot)?.value).toBe(wechat.newest);
    expect(slot.row).toMatchObject({ suspectAt: null, owner: null, unknownOutcomes: 0 });
  }
}
