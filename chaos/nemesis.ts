import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultInput } from '../src/simulator/faults/fault.dto.js';
import type { ChaosDatabase } from './chaos-database.js';
import { now } from './now.js';
import { type AnswerFault, isSequence, type LinkFault, type PlannedFault } from './plan.js';
import type { FaultyProxy } from './proxy.js';
import type { Recorder } from './recorder.js';
import type { Replica } from './replica.js';
import type { SimulatedWechat } from './simulated-wechat.js';
import type { Terms } from './terms.js';
import { FETCH_PATH, PROBE_PATHS } from './wechat-paths.js';

export interface NemesisCluster {
  readonly replicas: readonly Replica[];
  readonly wechat: SimulatedWechat;
  readonly database: ChaosDatabase;
  readonly recorder: Recorder;
  readonly terms: Terms;
  /** From which libfaketime reads the offset of one replica's clock. */
  readonly clockFile: string | undefined;
}

type Fault<Kind extends PlannedFault['kind']> = Extract<PlannedFault, { kind: Kind }>;

/** How long a holder's answer is held back, so that something can happen to the holder: under the time-out. */
const HELD_ANSWER_MS = 450;
const STRIKE_AFTER_MS = 250;
const CALL_AWAITED_MS = 4_000;
const CUT_BEFORE_MS = 500;
/** The first one asked may have lost its database, and says so after 5 s. */
const TWO_MINTS_MS = 9_000;
/** Longer than the floor, and few enough for the 10 that an admin has a minute. */
const ASK_AGAIN_MS = 600;
/** For how long reads of a dead token would count, after two answers were lost. */
const SILENCE_MS = 1_500;

/**
 * Carries planned faults out, each at its time, whatever the others do. Only sequences, each of which wants a
 * refresh of its own, wait for one another where the machine is too slow for the plan.
 */
export class Nemesis {
  constructor(private readonly cluster: NemesisCluster) {}

  /** Ends when the last fault is over and every process runs again. */
  async run(plan: readonly PlannedFault[]): Promise<void> {
    const startedAt = now();
    let sequence = Promise.resolve();
    await Promise.all(
      plan.map((fault) => {
        const before = isSequence(fault) ? sequence : undefined;
        const over = this.strikeAt(startedAt + fault.at, fault, before);
        sequence = before === undefined ? sequence : over;
        return over;
      }),
    );
  }

  private async strikeAt(at: number, fault: PlannedFault, before?: Promise<void>): Promise<void> {
    await delay(Math.max(0, at - now()));
    await before;
    await this.strike(fault);
  }

  private async strike(fault: PlannedFault): Promise<void> {
    const at = now();
    try {
      await this.carryOut(fault);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.cluster.recorder.note(`${fault.kind} could not be carried out: ${reason}`);
    }
    const { kind, replica } = fault;
    const span = {
      kind: 'fault',
      fault: kind,
      replica,
      at,
      endedAt: now(),
      detail: fault,
    } as const;
    this.cluster.recorder.add(span);
  }

  private carryOut(fault: PlannedFault): Promise<void> {
    switch (fault.kind) {
      case 'burst':
        return this.burst(fault.gapMs);
      case 'token_killed':
        return this.killToken(fault.variant === 'handed_out');
      case 'cut_off':
        return this.cutOff(fault);
      case 'contention':
        return this.contend();
      case 'lost_answers':
        return this.loseAnswers(fault);
      case 'holder_killed':
        return this.strikeHolder(fault, (holder) => holder.kill(1_000));
      case 'holder_stopped':
        return this.strikeHolder(fault, (holder) => holder.pause(fault.lastsMs));
      case 'holder_cut':
        return this.strikeHolder(fault, (holder) => this.cutHolder(holder, fault.lastsMs));
      case 'foreign_mint':
        return this.cluster.wechat.mintAsForeigner();
      case 'admin_refresh':
        return this.at(fault.replica).adminRefresh(false);
      case 'wechat_away':
        return this.takeWechatAway(fault);
      case 'rolling_restart':
        return this.restartAll();
      case 'database_link':
        return this.spoilLinks(this.databaseProxies(fault.replica), fault.variant, fault.lastsMs);
      case 'wechat_link':
        return this.spoilLinks(this.wechatProxies(fault.replica), fault.variant, fault.lastsMs);
      case 'wechat_answer':
        return this.spoilAnswer(fault);
      case 'killed':
        return this.at(fault.replica).kill(fault.lastsMs);
      case 'stopped':
        return this.at(fault.replica).pause(fault.lastsMs);
      case 'database_locked':
        return this.lockDatabase(fault.lastsMs);
      case 'clock':
        return this.shiftClock(fault);
    }
  }

  /**
   * Twice around, since one that another replica's refresh has answered needs no fetch of its own; once where
   * it is not the burst that counts, for an admin has 10 a minute of each replica. Stable: forced, as far as
   * WeChat's limits allow; an unforced refresh would return the same token.
   */
  private async burst(gapMs: number, rounds = 2): Promise<void> {
    const { replicas } = this.cluster;
    await Promise.all(
      Array.from({ length: rounds }, () => replicas)
        .flat()
        .map(async (replica, index) => {
          await delay(index * gapMs);
          await replica.adminRefresh(this.isStable && index === 0);
        }),
    );
  }

  private async killToken(handedOut: boolean): Promise<void> {
    const tag = await this.cluster.wechat.killNewest(handedOut);
    if (tag !== undefined) {
      this.cluster.recorder.add({ kind: 'token_killed', at: now(), tag });
    }
  }

  private async cutOff(fault: Fault<'cut_off'>): Promise<void> {
    const away = this.spoilLinks(this.databaseProxies(fault.replica), fault.variant, fault.lastsMs);
    await delay(CUT_BEFORE_MS);
    await (fault.sequence === 'burst' ? this.burst(100) : this.killToken(false));
    await away;
  }

  private async contend(): Promise<void> {
    const delayMs = Math.round(0.9 * this.cluster.terms.timeoutMs);
    const clear = await this.cluster.wechat.fault({
      ...this.fetches(),
      kind: 'delay',
      delay_ms: delayMs,
      times: 'always',
    });
    await this.killToken(false);
    await Promise.all(this.cluster.replicas.map((replica) => replica.adminRefresh(false)));
    await this.burst(100, 1);
    await clear();
  }

  /**
   * Two mints that nobody here sees, the second one the settling refresh of the first; then silence.
   * Meanwhile WeChat is too busy to tell whether it accepts a token: what keeps a dead one from being
   * served is the row alone.
   */
  private async loseAnswers({ replica, variant, lastsMs }: Fault<'lost_answers'>): Promise<void> {
    const { wechat, terms } = this.cluster;
    const endsAt = now() + lastsMs;
    const lost: FaultInput =
      variant === 'hang'
        ? { ...this.fetches(), kind: variant, after_effect: true, times: 'always' }
        : { ...this.fetches(), kind: variant, times: 'always' };
    const busy = { path: PROBE_PATHS[0], kind: 'errcode', errcode: -1, times: 'always' } as const;
    const [clear, clearProbes] = [await wechat.fault(lost), await wechat.fault(busy)];
    await this.mintTwice(replica);
    const silenceMs = Math.max(endsAt - now(), terms.deadGraceMs + SILENCE_MS);
    const silence = this.spoilLinks(this.wechatProxies(-1), 'refuse', silenceMs);
    await clear();
    await silence;
    await clearProbes();
  }

  /** Asks one replica after the other, since the one that is asked first may just stand still. */
  private async mintTwice(first: number): Promise<void> {
    const { wechat, replicas } = this.cluster;
    const minted = async (): Promise<number> => (await wechat.tokens()).length;
    const wanted = (await minted()) + 2;
    const deadline = now() + TWO_MINTS_MS;
    for (let asked = 0; now() < deadline && (await minted()) < wanted; asked += 1) {
      await this.at((first + asked) % replicas.length).adminRefresh(this.isStable);
      await delay(ASK_AGAIN_MS);
    }
  }

  /** Has one replica refresh, and does something to it once WeChat has minted and before it commits. */
  private async strikeHolder(
    { replica }: { replica: number },
    strike: (holder: Replica) => Promise<void>,
  ): Promise<void> {
    const holder = this.at(replica);
    const clear = await this.cluster.wechat.fault({
      ...this.fetches(),
      kind: 'delay',
      delay_ms: HELD_ANSWER_MS,
      after_effect: true,
    });
    const refreshed = holder.adminRefresh(this.isStable);
    await this.untilFetching(holder);
    await delay(STRIKE_AFTER_MS);
    await strike(holder);
    await refreshed;
    // Where the holder never fetched, the next sequence would find a fault that is not its own.
    await clear();
  }

  /** The answer comes, but the commit does not reach the database while the lease runs. */
  private async cutHolder(holder: Replica, ms: number): Promise<void> {
    const proxies = this.databaseProxies(holder.index);
    if (proxies.length > 0) {
      await this.spoilLinks(proxies, 'freeze', ms);
      return;
    }
    // On a file: somebody else holds the lock while the commit waits for it, and then it is the process
    // itself that stands still; its statement goes on where it stood.
    const unlock = await this.cluster.database.lock();
    await delay(HELD_ANSWER_MS);
    const paused = holder.pause(ms);
    await delay(100);
    await unlock();
    await paused;
  }

  private async takeWechatAway({ variant, lastsMs }: Fault<'wechat_away'>): Promise<void> {
    const away = this.spoilLinks(this.wechatProxies(-1), variant, lastsMs);
    await delay(lastsMs / 3);
    await this.burst(50, 1);
    await away;
  }

  private async restartAll(): Promise<void> {
    for (const replica of this.cluster.replicas) {
      await replica.restart();
    }
  }

  private async spoilLinks(
    proxies: readonly FaultyProxy[],
    variant: LinkFault,
    ms: number,
  ): Promise<void> {
    const ends = proxies.map((proxy) => proxy.strike(variant));
    await delay(ms);
    await Promise.all(ends.map((end) => end()));
  }

  private async spoilAnswer(fault: Fault<'wechat_answer'>): Promise<void> {
    const { variant, path, lastsMs, replica } = fault;
    const aim = path === 'fetch' ? this.fetches() : { path: PROBE_PATHS[0] };
    const clear = await this.cluster.wechat.fault({ ...aim, ...ANSWER_FAULTS[variant] });
    // A fetch does not come by itself so soon.
    if (path === 'fetch') {
      await this.at(replica).adminRefresh(false);
    }
    await delay(lastsMs);
    await clear();
  }

  private async lockDatabase(ms: number): Promise<void> {
    const unlock = await this.cluster.database.lock();
    await delay(ms);
    await unlock();
  }

  private async shiftClock({ shiftSeconds, lastsMs }: Fault<'clock'>): Promise<void> {
    const { clockFile } = this.cluster;
    if (clockFile === undefined) {
      return;
    }
    writeFileSync(clockFile, `${shiftSeconds > 0 ? '+' : ''}${shiftSeconds}`);
    await delay(lastsMs);
    writeFileSync(clockFile, '+0');
  }

  private async untilFetching(holder: Replica): Promise<void> {
    const deadline = now() + CALL_AWAITED_MS;
    while (now() < deadline && !holder.options.wechatProxy.isCarrying(this.fetches().path)) {
      await delay(10);
    }
  }

  private fetches(): { path: string } {
    return { path: FETCH_PATH[this.cluster.terms.mode] };
  }

  private get isStable(): boolean {
    return this.cluster.terms.mode === 'stable';
  }

  private at(index: number): Replica {
    const replica = this.cluster.replicas[index];
    if (replica === undefined) {
      throw new RangeError(`there is no replica ${index}`);
    }
    return replica;
  }

  private databaseProxies(replica: number): FaultyProxy[] {
    return this.these(replica).flatMap(({ options }) => options.databaseProxy ?? []);
  }

  private wechatProxies(replica: number): FaultyProxy[] {
    return this.these(replica).map(({ options }) => options.wechatProxy);
  }

  private these(replica: number): readonly Replica[] {
    return replica < 0 ? this.cluster.replicas : [this.at(replica)];
  }
}

/** None that needs an operator, and no 45009: those stop a service for hours, as they should. */
const ANSWER_FAULTS = {
  busy: { kind: 'errcode', errcode: -1, times: 2 },
  status_500: { kind: 'status', status: 500 },
  hang: { kind: 'hang' },
  reset_before: { kind: 'reset_before' },
  reset_after: { kind: 'reset_after' },
  html: { kind: 'html' },
  truncated: { kind: 'truncated' },
  slow: { kind: 'delay', delay_ms: 500, times: 2 },
} as const satisfies Record<AnswerFault, object>;
