import type { CredentialFacts, LiveValue, PendingCommit } from './credential-facts.js';
import type { CredentialEntity } from './credential.entity.js';
import {
  floorMs,
  isServable,
  MINIMUM_LEFT_MS,
  overlapServedMs,
  scaleOf,
  type CredentialPolicy,
} from './credential.policy.js';
import { forcedAllowedAtMs, ledgerRoomAtMs, ledgerTerms } from './ledger.js';
import { parseFailure } from './refresh-failure.js';
import type { RefreshRequest } from './refresh-request.js';
import { valueHash } from './value-hash.js';

/*
 * What may be served, what is dead, what must be probed and what happens next, decided from the facts of one
 * credential. Nothing else decides it: reads, schedule, probes, reports, metrics and the displayed state take it from
 * here. docs/architecture.md has the same table, and credential-view.spec.ts is it, row by row.
 *
 * | state | is | served | leaves it |
 * | --- | --- | --- | --- |
 * | empty | no value yet | no | a commit |
 * | live | a value before its due time | yes | time, a probe, a failure |
 * | due | the value is still served, a refresh is wanted | yes | a commit |
 * | suspect | legacy: a fetch of unknown outcome may have replaced it, so it may die within 5 minutes; either mode: it was imported, and WeChat has not confirmed it | legacy: for 270 s, then only while a probe confirms it; stable: yes | a commit; of an import, the first probe |
 * | stale | legacy: its row was not read for 270 s, so another replica may have replaced it | only while a probe confirms it | the row is read |
 * | expired | past its effective expiry, or under 1 s before it | no | a commit; of a suspect one, a probe that confirms it |
 * | dead | WeChat answered 40001, 40014 or 42001 to a call with this value | never | a commit |
 * | blocked | shown in place of the others where an operator must act: the last failure says so, or no key opens the value | as without it, if it opens | a success |
 */
export const STATES = [
  'empty',
  'live',
  'due',
  'suspect',
  'stale',
  'expired',
  'dead',
  'blocked',
] as const;

export type StateName = (typeof STATES)[number];

/** How often WeChat is asked about a value, and for how long its `alive` lets the value be served. */
export interface ProbeTerms {
  readonly fromMs: number;
  readonly everyMs: number;
  readonly confirmsForMs: number;
}

/** The value before the live one, which a caller may still hold. */
export interface PreviousValue {
  readonly hash: string;
  /** Until when WeChat accepts it. */
  readonly untilMs: number;
}

export interface CredentialView {
  /** Without `stale` and `blocked`, which {@link displayedState} adds. */
  readonly state: StateName;
  /** Why an operator must act; undefined where none has to. */
  readonly problem: string | undefined;
  /** Why the stored value cannot be used at all: no key opens it. */
  readonly unopened: string | undefined;
  /** The newest value known, whether it may be served or not. */
  readonly live: LiveValue | undefined;
  /** What clients have seen last; 0 before the first. Never goes back. */
  readonly version: number;
  readonly isDead: boolean;
  readonly isStoredDead: boolean;
  /** The row lacks a value, a suspicion or a death that is known here. */
  readonly isUnwritten: boolean;
  /** What the row says of its value, it says of the live one; also where two replicas fetched the same value. */
  readonly isLiveStored: boolean;
  /** Until when the live value may be served, on what the row says; 0: not at all. */
  readonly effectiveExpiresAtMs: number;
  /** For how long after a reading of the row it may be served without a probe: another replica may have rotated. */
  readonly trustedMs: number;
  readonly confirmedUntilMs: number;
  /** Whether WeChat's answer about the live value would change anything. */
  readonly mayProbe: boolean;
  readonly probe: ProbeTerms | undefined;
  /** When the schedule wants a refresh; 0: now; Infinity: never, as things are. */
  readonly dueAtMs: number;
  /** Another replica knows a newer secret or mode than this process: the refresh is left to it. */
  readonly isOutdated: boolean;
  /** Until when another claim holds the lease, by a clock that can be right; 0 where none does. */
  readonly leasedUntilMs: number;
  /** WeChat refuses the value and returned it again: only a forced fetch helps, and one is allowed now. */
  readonly forceNext: boolean;
  /** From when on a fetch without a claim is allowed while the database is away; Infinity: never. */
  readonly unclaimedFetchAtMs: number;
  /** Should the live value turn out dead now, somebody else has replaced it. */
  readonly isForeignIfDead: boolean;
  readonly previous: PreviousValue | undefined;
  /** When time alone changes this view. */
  readonly changesAtMs: number;
}

/** A confirmation lasts 5 s (docs/reliability.md), less what the last answer takes on a busy machine. */
export const CONFIRMED_MS = 4_500;
const SUSPECT_PROBE = { everyMs: 3_000, confirmsForMs: CONFIRMED_MS };
const IMPORTED_PROBE = { everyMs: 30_000, confirmsForMs: CONFIRMED_MS };
/** Ahead of the time, since a round takes some seconds while the database does not answer. */
const STALE_PROBE = { everyMs: 30_000, confirmsForMs: 50_000, aheadMs: 10_000 };

/** No clock that is right gives a lease or a claim further ahead than this: a broken one is passed over. */
export const LONGEST_LEASE_MS = 120_000;
/** The same for a pause, which a process sets for itself. */
const LONGEST_PAUSE_MS = 10_000;
const CLOCK_WENT_BACK_MS = 5_000;
/** With less than this left, a death is not early enough to blame somebody else. */
const EARLY_MS = 60_000;
/** How long a suspect value is served on while the fetch that settles it is under way. */
const SETTLING_MS = 3_000;
/** With less than this left, and this far apart. */
const UNCLAIMED = { leftMs: 120_000, apartMs: 30_000 };

/** Pure: the same facts and time give the same view. Made when a fact changes and at `changesAtMs`, not per read. */
export function credentialView(facts: CredentialFacts, nowMs: number): CredentialView {
  const { row, account, policy } = facts;
  const stored = storedOf(facts);
  const unopened = unopenedOf(facts);
  const pending = pendingOf(facts);
  const live = pending ?? stored;
  const isLiveStored = stored !== undefined && stored.value === live?.value;
  const isDead = isRefused(facts, live);
  const probeRequiredAtMs = probeRequiredAt(facts);
  const confirmedUntilMs =
    facts.confirmed?.version === live?.version ? (facts.confirmed?.untilMs ?? 0) : 0;
  const effectiveExpiresAtMs =
    live === undefined || isDead || unopened !== undefined || account === 'removed'
      ? 0
      : Math.min(live.expiresAtMs, Math.max(probeRequiredAtMs, confirmedUntilMs));
  const isServed = account !== 'removed' && account.enabled;
  const mayProbe = isServed && live !== undefined && !isDead && nowMs < live.expiresAtMs;
  const dueAtMs = isServed && unopened === undefined ? dueAt(facts, isDead, nowMs) : Infinity;
  const isUndisturbed = row.suspectAt === null && row.owner === null;
  const foreignUntilMs =
    row.version === live?.version && isUndisturbed ? live.expiresAtMs - EARLY_MS : 0;
  const forcedAtMs =
    isDead && policy.forced !== undefined && row.forceNext === 1
      ? forcedAllowedAtMs(policy, row, nowMs)
      : Infinity;
  const view = {
    problem: unopened ?? operatorProblem(facts),
    unopened,
    live,
    version: Math.max(live?.version ?? 0, row.version),
    isDead,
    isStoredDead: isRefused(facts, stored),
    isLiveStored,
    isUnwritten:
      pending?.claim !== undefined ||
      facts.pendingSuspicionMs !== undefined ||
      (isDead && row.deadAt === null && isLiveStored),
    effectiveExpiresAtMs,
    trustedMs:
      live !== undefined && policy.fetchEndsOlderValue
        ? overlapServedMs(policy, live.lifetimeMs)
        : Infinity,
    confirmedUntilMs,
    mayProbe,
    probe: mayProbe ? probeTerms(facts, probeRequiredAtMs, nowMs) : undefined,
    dueAtMs,
    isOutdated: account !== 'removed' && row.configVersion > account.configVersion,
    leasedUntilMs: isFromBrokenClock(row.leaseUntil, nowMs) ? 0 : row.leaseUntil,
    forceNext: forcedAtMs <= nowMs,
    unclaimedFetchAtMs: unclaimedFetchAt(facts, effectiveExpiresAtMs),
    isForeignIfDead: nowMs < foreignUntilMs,
    previous: previousOf(facts),
  };
  return {
    ...view,
    state: stateOf(facts, view, nowMs),
    changesAtMs: nextAfter(nowMs, [
      dueAtMs,
      row.nextAttemptAt,
      effectiveExpiresAtMs - MINIMUM_LEFT_MS + 1,
      live?.expiresAtMs,
      probeRequiredAtMs - SUSPECT_PROBE.everyMs,
      foreignUntilMs,
      forcedAtMs,
      facts.databasePauseUntilMs - LONGEST_PAUSE_MS,
      row.leaseUntil - LONGEST_LEASE_MS,
      row.obtainedAt - CLOCK_WENT_BACK_MS,
    ]),
  };
}

/**
 * What an operator sees.
 * @param rowsReadAtMs when the rows were last read: one number beside all views, so that a poll changes none of them
 */
export function displayedState(
  view: CredentialView,
  rowsReadAtMs: number,
  nowMs: number,
): StateName {
  if (view.problem !== undefined) {
    return 'blocked';
  }
  const isGood = view.state === 'live' || view.state === 'due' || view.state === 'suspect';
  return isGood && nowMs >= rowsReadAtMs + view.trustedMs ? 'stale' : view.state;
}

/** Whether the live value may be handed out at this moment. The hot path: arithmetic alone. */
export function isUsable(view: CredentialView, rowsReadAtMs: number, nowMs: number): boolean {
  return (
    isServable(view.effectiveExpiresAtMs, nowMs) &&
    (nowMs < rowsReadAtMs + view.trustedMs || nowMs < view.confirmedUntilMs)
  );
}

/** The live value is good by all that is known, but its row was not read for too long. */
export function isWithheldAsStale(
  view: CredentialView,
  rowsReadAtMs: number,
  nowMs: number,
): boolean {
  return isServable(view.effectiveExpiresAtMs, nowMs) && !isUsable(view, rowsReadAtMs, nowMs);
}

/** The probe that is due now, if any. */
export function dueProbe(
  { mayProbe, probe, trustedMs }: CredentialView,
  {
    lastProbeAtMs,
    rowsReadAtMs,
    nowMs,
  }: { readonly lastProbeAtMs: number; readonly rowsReadAtMs: number; readonly nowMs: number },
): ProbeTerms | undefined {
  const staleFromMs = rowsReadAtMs + trustedMs - STALE_PROBE.aheadMs;
  const terms =
    probe !== undefined && nowMs >= probe.fromMs ? probe : { fromMs: staleFromMs, ...STALE_PROBE };
  const isDue = mayProbe && nowMs >= terms.fromMs && nowMs - lastProbeAtMs >= terms.everyMs;
  return isDue ? terms : undefined;
}

/**
 * Before this time no claim is won, as far as the row tells: the floor, and room in the ledger. A lease that runs is
 * not counted, since whoever holds it releases it when it is done.
 */
export function claimableAtMs(facts: CredentialFacts, request: ClaimTime, nowMs: number): number {
  const { row, policy } = facts;
  const ledger = ledgerTerms(policy, row.lifetimeMs, request.cause);
  const fetchedAtMs = [row.claimedAt, row.fetchEndedAt].filter(
    (atMs) => !isFromBrokenClock(atMs, nowMs),
  );
  return Math.max(
    ...fetchedAtMs.map((atMs) => atMs + floorMs(policy, row.lifetimeMs)),
    ledgerRoomAtMs(ledger, row.ledgerFullAt, nowMs),
    allowedAtMs(facts, request, nowMs),
  );
}

/** What decides when a claim may be made. */
export type ClaimTime = Pick<RefreshRequest, 'cause' | 'force'>;

/**
 * The part of {@link claimableAtMs} that the claim's statement does not compare: the ledger of forced refreshes, and for
 * reports of a dead value the pause after a failure, which only an admin may pass over.
 */
export function allowedAtMs(
  { row, policy }: CredentialFacts,
  { cause, force }: ClaimTime,
  nowMs: number,
): number {
  return Math.max(
    force === 'no' ? 0 : forcedAllowedAtMs(policy, row, nowMs),
    cause === 'report' && row.deadAt !== null ? row.nextAttemptAt : 0,
  );
}

/** The value of the row, where a key opens it. */
export function storedOf({ stored }: Pick<CredentialFacts, 'stored'>): LiveValue | undefined {
  return stored !== undefined && 'value' in stored ? stored : undefined;
}

/**
 * What a commit of `next` makes the previous value: the hash of the stored one, unless WeChat refused it.
 */
export function outgoingHash(facts: CredentialFacts, next: string): string | null {
  const stored = storedOf(facts);
  return stored === undefined || stored.value === next || isRefused(facts, stored)
    ? null
    : valueHash(stored.value);
}

function unopenedOf({ stored }: CredentialFacts): string | undefined {
  return stored !== undefined && 'unopened' in stored ? stored.unopened : undefined;
}

/** A value that the row has, or has gone beyond, is pending no more. */
function pendingOf({ pending, row }: CredentialFacts): PendingCommit | undefined {
  return pending !== undefined && row.version < pending.version ? pending : undefined;
}

function isRefused(facts: CredentialFacts, live: LiveValue | undefined): boolean {
  return (
    live !== undefined &&
    (live.value === facts.deadValue ||
      (facts.row.deadAt !== null && live.value === storedOf(facts)?.value))
  );
}

function operatorProblem({ row }: CredentialFacts): string | undefined {
  const failure = parseFailure(row.lastError);
  return failure?.failureClass === 'operator' ? failure.errmsg : undefined;
}

/** From when on the live value needs a probe's confirmation to be served; Infinity while nothing speaks against it. */
function probeRequiredAt(facts: CredentialFacts): number {
  const { row, policy, pendingSuspicionMs } = facts;
  const pending = pendingOf(facts);
  const isStored = pending?.value === storedOf(facts)?.value;
  if (pending !== undefined && pending.isFencedOff !== true && !isStored) {
    // A value that is not in the row is newer than the row's suspicion, unless the row went on without it.
    return isOvertaken(pending, row) ? 0 : Infinity;
  }
  const suspectAtMs = Math.min(pendingSuspicionMs ?? Infinity, row.suspectAt ?? Infinity);
  return probeRequiredByRow(policy, row, suspectAtMs);
}

/** A fetch in flight counts as well: whoever claimed it may be dead, and WeChat may have carried it out. */
function probeRequiredByRow(
  policy: CredentialPolicy,
  row: CredentialFacts['row'],
  suspectAtMs: number,
): number {
  if (!policy.fetchEndsOlderValue) {
    return Infinity;
  }
  const inFlightAtMs = row.owner === null ? Infinity : row.claimedAt;
  if (suspectAtMs !== Infinity && inFlightAtMs !== Infinity) {
    // A second fetch may end at once what the first one left its overlap.
    return inFlightAtMs + SETTLING_MS * scaleOf(policy, row.lifetimeMs);
  }
  const doubtfulAtMs = Math.min(suspectAtMs, inFlightAtMs);
  // After a second unknown outcome two values may have been minted, and the first overlap does not hold.
  return row.unknownOutcomes > 1
    ? doubtfulAtMs
    : doubtfulAtMs + overlapServedMs(policy, row.lifetimeMs);
}

/** Fetched without a claim, and another replica has stored a later fetch: that one may have ended it. */
function isOvertaken(pending: PendingCommit, row: CredentialFacts['row']): boolean {
  return pending.claim === undefined && row.obtainedAt > pending.obtainedAtMs;
}

function probeTerms(
  { row }: CredentialFacts,
  probeRequiredAtMs: number,
  nowMs: number,
): ProbeTerms | undefined {
  const suspectFromMs = probeRequiredAtMs - SUSPECT_PROBE.everyMs;
  if (isUnconfirmedImport(row) && nowMs < suspectFromMs) {
    return { fromMs: 0, ...IMPORTED_PROBE };
  }
  return suspectFromMs === Infinity ? undefined : { fromMs: suspectFromMs, ...SUSPECT_PROBE };
}

/** The row says so by a suspicion without an unknown outcome: a fetch that causes suspicion counts one. */
export function isUnconfirmedImport(
  row: Pick<CredentialEntity, 'suspectAt' | 'unknownOutcomes'>,
): boolean {
  return row.suspectAt !== null && row.unknownOutcomes === 0;
}

function dueAt(facts: CredentialFacts, isDead: boolean, nowMs: number): number {
  const { row, account, databasePauseUntilMs } = facts;
  const pending = pendingOf(facts);
  const isWantedNow =
    // Somebody is fetching, or died between the claim and the commit.
    row.owner !== null ||
    // The secret or the mode was changed since the last attempt.
    (account !== 'removed' && row.configVersion < account.configVersion) ||
    // A death that is not in the row yet.
    (isDead && row.deadAt === null) ||
    // A value that was fetched without a claim has to be stored under one.
    (pending !== undefined && pending.claim === undefined && pending.isFencedOff !== true) ||
    // The clock went back, or the row comes from another one.
    row.obtainedAt > nowMs + CLOCK_WENT_BACK_MS;
  // A pause that seems long was set before the clock went back.
  const isPause = databasePauseUntilMs - nowMs <= LONGEST_PAUSE_MS;
  return Math.max(isWantedNow ? 0 : row.nextAttemptAt, isPause ? databasePauseUntilMs : 0);
}

function unclaimedFetchAt({ row, policy, ...facts }: CredentialFacts, expiresAtMs: number): number {
  const scale = scaleOf(policy, row.lifetimeMs);
  // Elsewhere an unclaimed fetch may end the value that another replica has just stored.
  return policy.fetchEndsOlderValue
    ? Infinity
    : Math.max(
        expiresAtMs - UNCLAIMED.leftMs * scale,
        facts.lastUnclaimedFetchAtMs + UNCLAIMED.apartMs * scale,
      );
}

function previousOf(facts: CredentialFacts): PreviousValue | undefined {
  const { row, policy } = facts;
  const pending = pendingOf(facts);
  const hash = pending === undefined ? null : outgoingHash(facts, pending.value);
  if (pending !== undefined && hash !== null) {
    return { hash, untilMs: pending.obtainedAtMs + overlapServedMs(policy, pending.lifetimeMs) };
  }
  return row.previousHash === null || row.previousUntil === null
    ? undefined
    : { hash: row.previousHash, untilMs: row.previousUntil };
}

function stateOf(
  { row, policy }: CredentialFacts,
  view: Pick<CredentialView, 'live' | 'isDead' | 'effectiveExpiresAtMs'>,
  nowMs: number,
): StateName {
  if (view.live === undefined) {
    return 'empty';
  }
  if (view.isDead) {
    return 'dead';
  }
  if (!isServable(view.effectiveExpiresAtMs, nowMs)) {
    return 'expired';
  }
  if ((policy.fetchEndsOlderValue && row.suspectAt !== null) || isUnconfirmedImport(row)) {
    return 'suspect';
  }
  // After a failure the next attempt lies ahead, and a refresh is wanted all the same.
  return row.failures > 0 || row.nextAttemptAt <= nowMs ? 'due' : 'live';
}

function isFromBrokenClock(atMs: number, nowMs: number): boolean {
  return atMs > nowMs + LONGEST_LEASE_MS;
}

/** The earliest of these times that is still to come; Infinity if there is none. */
function nextAfter(nowMs: number, timesMs: readonly (number | undefined)[]): number {
  return timesMs.reduce<number>(
    (next, atMs) => (atMs !== undefined && atMs > nowMs && atMs < next ? atMs : next),
    Infinity,
  );
}
