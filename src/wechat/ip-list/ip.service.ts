import { Injectable, Logger } from '@nestjs/common';
import { DatabaseClock } from '../../database/database-clock.js';
import { toDatabaseError } from '../../database/database-error.js';
import { AppError } from '../../errors/app-error.js';
import { TokenService } from '../access-token/token.service.js';
import { WechatCallError } from '../api/wechat-call.error.js';
import { IpListClient } from './ip-list.client.js';
import type { IpListKind } from './ip-list.dto.js';
import { IpListRepository, type FetchedIpList } from './ip-list.repository.js';
import { narrowestRange } from './ip-ranges.js';

export interface IpList extends FetchedIpList {
  /** The last refresh failed, or should have come long since. */
  readonly isStale: boolean;
}

/** What this process knows of one list. */
export interface IpListSlot {
  readonly appId: string;
  readonly kind: IpListKind;
  /** Undefined until the first need, or while there is nothing to serve. */
  list: FetchedIpList | undefined;
  /** In a row; 0 after a success. */
  failures: number;
  lastFailure: AppError | undefined;
  failedAtMs: number;
  /** WeChat is not asked before, unless a person had to act and the token was refreshed since. */
  retryAtMs: number;
  /** Single flight: who wants the list meanwhile waits for this one. */
  underWay: Promise<FetchedIpList> | undefined;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** As often as WeChat asks for. */
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Each replica adds a part of this to the day, so that the first one stores the list for all. */
const SPREAD_MS = 10 * MINUTE_MS;
const STALE_AFTER_MS = DAY_MS + 30 * MINUTE_MS;

/** After failures in a row the pauses double. While there is nothing to serve, somebody waits. */
const PAUSE = { first: 10 * MINUTE_MS, longest: 60 * MINUTE_MS };
const PAUSE_WITHOUT_LIST = { first: 10 * SECOND_MS, longest: 10 * MINUTE_MS };

/**
 * WeChat's addresses, for firewalls and for callers that check where a call comes from. Served from
 * memory; the database keeps the last list for a restart and for the other replicas.
 *
 *   empty ──first need──▶ served: the stored list, of whatever age; without one, WeChat's answer
 *   served ──a day later─▶ served: the stored list, if another replica fetched it since; else WeChat's
 *
 * A refresh that fails takes nothing away: the list goes on being served, as stale.
 */
@Injectable()
export class IpService {
  private readonly logger = new Logger(IpService.name);
  private readonly slots = new Map<string, IpListSlot>();
  private readonly refreshAfterMs = DAY_MS + Math.random() * SPREAD_MS;

  constructor(
    private readonly tokens: TokenService,
    private readonly client: IpListClient,
    private readonly repository: IpListRepository,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * @throws AppError `forbidden` for an account that there is not; where nothing was ever fetched,
   *   WechatCallError, or `token_unavailable`
   */
  async list(appId: string, kind: IpListKind): Promise<IpList> {
    this.tokens.requireForClient(appId);
    const slot = this.slotOf(appId, kind);
    const list = slot.list ?? (await this.obtain(slot, Infinity));
    const isStale = slot.failures > 0 || this.ageMs(list) >= STALE_AFTER_MS;
    return { ...list, isStale };
  }

  /**
   * @returns the narrowest entry that holds the address, or undefined
   * @throws AppError like `list`
   */
  async contains(appId: string, kind: IpListKind, ip: string): Promise<string | undefined> {
    const { ranges } = await this.list(appId, kind);
    return narrowestRange(ranges, ip)?.entry;
  }

  /** The lists in memory whose day is over. Those of accounts that are gone or switched off are let go. */
  due(): IpListSlot[] {
    for (const [key, { appId }] of this.slots) {
      if (!this.tokens.isServed(appId)) {
        this.slots.delete(key);
      }
    }
    return [...this.slots.values()].filter(
      (slot) => slot.list && this.ageMs(slot.list) >= this.refreshAfterMs && !this.isPausing(slot),
    );
  }

  /** Gets a newer list for a slot that is due. Never rejects. */
  async refresh(slot: IpListSlot): Promise<void> {
    const { appId, kind } = slot;
    try {
      await this.obtain(slot, this.refreshAfterMs);
    } catch (error) {
      this.logger.warn({ event: 'ip_list_not_refreshed', app_id: appId, kind, err: error });
    }
  }

  private slotOf(appId: string, kind: IpListKind): IpListSlot {
    const known = this.slots.get(keyOf(appId, kind));
    if (known !== undefined) {
      return known;
    }
    const slot: IpListSlot = {
      appId,
      kind,
      list: undefined,
      failures: 0,
      lastFailure: undefined,
      failedAtMs: 0,
      retryAtMs: 0,
      underWay: undefined,
    };
    this.slots.set(keyOf(appId, kind), slot);
    return slot;
  }

  private obtain(slot: IpListSlot, maxAgeMs: number): Promise<FetchedIpList> {
    slot.underWay ??= this.loadOrFetch(slot, maxAgeMs).finally(() => {
      slot.underWay = undefined;
    });
    return slot.underWay;
  }

  private async loadOrFetch(slot: IpListSlot, maxAgeMs: number): Promise<FetchedIpList> {
    const stored = await this.load(slot);
    const isGood = stored !== undefined && this.ageMs(stored) < maxAgeMs;
    const list = isGood ? stored : await this.fetch(slot);
    slot.list = list;
    slot.failures = 0;
    slot.lastFailure = undefined;
    return list;
  }

  /** A database that does not answer keeps nobody from WeChat's own answer. */
  private async load({ appId, kind }: IpListSlot): Promise<FetchedIpList | undefined> {
    try {
      return await this.repository.load(appId, kind);
    } catch (error) {
      const reason = toDatabaseError(error).driverCode;
      this.logger.warn({ event: 'ip_list_not_loaded', app_id: appId, kind, reason });
      return undefined;
    }
  }

  private async fetch(slot: IpListSlot): Promise<FetchedIpList> {
    const { appId, kind } = slot;
    const fetchedAtMs = Math.trunc(this.clock.nowMs());
    if (slot.lastFailure !== undefined && this.isPausing(slot)) {
      throw slot.lastFailure;
    }
    try {
      const list = { ranges: await this.client.fetch(appId, kind), fetchedAtMs };
      this.logger.log({
        event: 'ip_list_fetched',
        app_id: appId,
        kind,
        entries: list.ranges.length,
      });
      await this.store(slot, list);
      return list;
    } catch (error) {
      this.countFailure(slot, error);
      throw error;
    }
  }

  /** A list that cannot be stored is served all the same; tomorrow's may be stored again. */
  private async store({ appId, kind }: IpListSlot, list: FetchedIpList): Promise<void> {
    try {
      await this.repository.store(appId, kind, list);
    } catch (error) {
      const reason = toDatabaseError(error).driverCode;
      this.logger.error({ event: 'ip_list_not_stored', app_id: appId, kind, reason });
    }
  }

  /**
   * A pause that waits for a person ends on every replica once the token was refreshed: an admin's refresh says
   * that somebody acted, and one of the schedule costs one call in an hour.
   */
  private isPausing({ appId, lastFailure, failedAtMs, retryAtMs }: IpListSlot): boolean {
    const isMended =
      lastFailure instanceof WechatCallError &&
      lastFailure.failureClass === 'operator' &&
      this.tokens.refreshedAtMs(appId) > failedAtMs;
    return this.clock.nowMs() < retryAtMs && !isMended;
  }

  private countFailure(slot: IpListSlot, error: unknown): void {
    // Without a token WeChat was not asked: who waits for a first list may try again at once.
    const counts = error instanceof WechatCallError || slot.list !== undefined;
    if (!counts || !(error instanceof AppError)) {
      return;
    }
    const { first, longest } = slot.list === undefined ? PAUSE_WITHOUT_LIST : PAUSE;
    slot.failedAtMs = this.clock.nowMs();
    slot.retryAtMs = slot.failedAtMs + Math.min(longest, first * 2 ** slot.failures);
    slot.failures += 1;
    slot.lastFailure = error;
  }

  /** A list from the future was stamped by a clock that was wrong: it is as old as it is far away. */
  private ageMs({ fetchedAtMs }: FetchedIpList): number {
    return Math.abs(this.clock.nowMs() - fetchedAtMs);
  }
}

function keyOf(appId: string, kind: IpListKind): string {
  return `${appId} ${kind}`;
}
