import type { Evidence, Token, Verdict } from './evidence.js';
import type { Read } from './record.js';
import { deathsByTag } from './token-deaths.js';
import { PROBE_PATHS } from './wechat-paths.js';

/** A value with under a second left counts as expired; the rest is what a busy machine takes. */
const LEAST_LEFT_MS = 1_000;
const SLACK_MS = 250;
/** Without a database a token is asked after every 30 s, and an answer holds until the next one. */
const LONGEST_VOUCH_MS = 35_000;
/** An answer out of memory does not take so long. */
const WAITED_MS = 500;
/** A clock that jumped, and a row that changed, is read again within a poll, over a slow connection too. */
const POLLED_MS = 3_000;

interface Served extends Read {
  readonly version: number;
  readonly tag: string;
  readonly expiresAt: number;
}

function served(reads: readonly Read[]): Served[] {
  return reads.filter(
    (read): read is Served =>
      read.status === 200 && read.version !== null && read.tag !== null && read.expiresAt !== null,
  );
}

/** I4: what one process hands out, and what the row holds, never goes back to an older version. */
export function versionsGrow({ reads, rows, logs }: Evidence): Verdict {
  const violations: string[] = [];
  const all = served(reads);
  for (const group of groupBy(all, processOf).values()) {
    const byEnd = [...group].sort((a, b) => a.endedAt - b.endedAt);
    let next = 0;
    let newest = 0;
    for (const read of [...group].sort((a, b) => a.at - b.at)) {
      for (let done = byEnd[next]; done !== undefined && done.endedAt < read.at;) {
        newest = Math.max(newest, done.version);
        next += 1;
        done = byEnd[next];
      }
      if (read.version < newest) {
        violations.push(`replica ${read.replica} served version ${read.version} after ${newest}`);
      }
    }
  }
  for (const [index, row] of rows.entries()) {
    const before = rows[index - 1];
    if (before !== undefined && row.version < before.version) {
      violations.push(`the row went from version ${before.version} back to ${row.version}`);
    }
  }
  for (const { replica } of logs.filter(({ event }) => event === 'row_behind_memory')) {
    violations.push(`replica ${replica} found the row behind its memory`);
  }
  return { invariant: 'I4', title: 'a version never goes back', checked: all.length, violations };
}

/** I5: nothing is served past its effective expiry: as told, as WeChat sees it, and in doubt. */
export function nothingExpired(evidence: Evidence): Verdict {
  const all = served(evidence.reads);
  const tokens = new Map(evidence.tokens.map((token) => [token.tag, token]));
  const doubtful = doubtsByTag(evidence);
  const probed = probesByTag(evidence);
  const violations = all.flatMap((read) => {
    const who = `replica ${read.replica} served version ${read.version}`;
    const token = tokens.get(read.tag);
    if (token === undefined) {
      return [`${who}, which WeChat never minted`];
    }
    if (read.at > read.expiresAt - LEAST_LEFT_MS + SLACK_MS) {
      return [`${who} ${ms(read.at - read.expiresAt)} after the end that it told`];
    }
    if (read.at > token.expiresAt) {
      return [`${who} ${ms(read.at - token.expiresAt)} after its end at WeChat`];
    }
    const endsAt = (doubtful.get(read.tag) ?? Infinity) + SLACK_MS;
    const isVouched = (probed.get(read.tag) ?? []).some(
      (at) => at <= read.endedAt && at >= read.at - LONGEST_VOUCH_MS - SLACK_MS,
    );
    return read.at > endsAt && !isVouched
      ? [`${who} ${ms(read.at - endsAt)} after it came into doubt, and no probe accepted it`]
      : [];
  });
  const title = 'nothing is served past its effective expiry';
  return { invariant: 'I5', title, checked: all.length, violations };
}

/** Legacy: a later fetch of ours leaves a token that may be served unasked for a time. */
function doubtsByTag({ terms, tokens }: Evidence): Map<string, number> {
  if (terms.mode === 'stable') {
    return new Map();
  }
  const ours = tokens.filter(({ foreign }) => !foreign);
  return new Map(
    tokens.map((token) => [token.tag, firstMintAfter(token, ours) + terms.servedInDoubtMs]),
  );
}

function firstMintAfter(token: Token, mints: readonly Token[]): number {
  const later = mints.map(({ mintedAt }) => mintedAt).filter((at) => at > token.mintedAt);
  return Math.min(Infinity, ...later);
}

/** When WeChat accepted a token that the service asked after. */
function probesByTag({ journal }: Evidence): Map<string, number[]> {
  const probes = new Map<string, number[]>();
  for (const { path, token_tag: tag, errcode, started_at: startedAt } of journal) {
    if (tag !== null && errcode === 0 && (PROBE_PATHS as readonly string[]).includes(path)) {
      probes.set(tag, [...(probes.get(tag) ?? []), Date.parse(startedAt)]);
    }
  }
  return probes;
}

/** Those that got a token which had been dead for longer than the grace. */
export function deadReads(evidence: Evidence, deaths = deathsByTag(evidence)): Served[] {
  return served(evidence.reads).filter(
    ({ tag, at }) => at > (deaths.get(tag) ?? Infinity) + evidence.terms.deadGraceMs,
  );
}

/** I6: hardly a read is one of those. */
export function fewDeadReads(evidence: Evidence): Verdict {
  const { terms } = evidence;
  const all = served(evidence.reads);
  const deaths = deathsByTag(evidence);
  const dead = deadReads(evidence, deaths);
  const allowed = Math.floor(terms.deadReadsAllowed * evidence.reads.length);
  const share = all.length === 0 ? 0 : (100 * dead.length) / evidence.reads.length;
  const note = `${dead.length} dead reads, ${share.toFixed(3)} %; ${allowed} are allowed`;
  const violations = dead.length > allowed ? describeDead(dead, deaths) : [];
  const title = 'hardly a read gets a dead token';
  return { invariant: 'I6', title, checked: evidence.reads.length, violations, note };
}

function describeDead(dead: readonly Served[], deaths: ReadonlyMap<string, number>): string[] {
  const groups = groupBy(dead, ({ replica, tag }) => `${replica} ${tag}`);
  return [...groups.values()].map((group) => {
    const [first] = group;
    const ages = group.map(({ at, tag }) => at - (deaths.get(tag) ?? at));
    const who = `replica ${first?.replica ?? '?'} served version ${first?.version ?? '?'}`;
    const span = `${ms(Math.min(...ages))} to ${ms(Math.max(...ages))}`;
    return `${who}, dead for ${span}, ${group.length} times from ${clockTime(first?.at ?? 0)}`;
  });
}

/** I9: a read never waits while there is a token that could be handed out. */
export function noNeedlessWait(evidence: Evidence): Verdict {
  const groups = groupBy(evidence.reads, processOf);
  let waits = 0;
  const violations: string[] = [];
  for (const group of groups.values()) {
    const good = served(group);
    for (const read of group.filter((one) => one.endedAt - one.at > WAITED_MS)) {
      if (wasAbsent(evidence, read)) {
        continue;
      }
      waits += 1;
      const problem = needlessWait(evidence, read, good);
      if (problem !== undefined) {
        const long = ms(read.endedAt - read.at);
        violations.push(
          `a read at replica ${read.replica} waited ${long} at ${clockTime(read.at)}: ${problem}`,
        );
      }
    }
  }
  const note = `${waits} reads waited`;
  const title = 'a read never waits for a token that is there';
  return { invariant: 'I9', title, checked: evidence.reads.length, violations, note };
}

function needlessWait(evidence: Evidence, read: Read, good: readonly Served[]): string | undefined {
  // Two that were sent within a moment may arrive the other way round, on either side of a claim.
  const overtaken = good.some(
    (other) => other.at > read.at + SLACK_MS && other.endedAt < read.endedAt - SLACK_MS,
  );
  if (overtaken) {
    return 'a later one was answered before it';
  }
  const knewIt = good.some((other) => other.version === read.version && other.endedAt < read.at);
  return read.status === 200 && knewIt && !cameIntoDoubt(evidence, read)
    ? `it got version ${read.version ?? 0}, which had been served before`
    : undefined;
}

/** Its token was not usable for a while: it waited for a probe, a claim, or for a clock or a row to be read. */
function cameIntoDoubt(evidence: Evidence, read: Read): boolean {
  const { faults, terms } = evidence;
  const probes = (probesByTag(evidence).get(read.tag ?? '') ?? []).some(
    (at) => at >= read.at - SLACK_MS && at <= read.endedAt,
  );
  const clock = faults.some(
    ({ fault, replica, at, endedAt }) =>
      fault === 'clock' &&
      replica === read.replica &&
      at < read.endedAt &&
      endedAt > read.at - POLLED_MS,
  );
  const database = faults.some(
    ({ fault, at, endedAt }) =>
      (fault.startsWith('database') || fault === 'holder_cut') &&
      at < read.at - terms.servedInDoubtMs &&
      endedAt > read.at - POLLED_MS,
  );
  return probes || clock || database || wasSettling(evidence, read);
}

/** A suspect token is not usable while the fetch that settles it is under way; one given back unused frees it. */
function wasSettling({ rows }: Evidence, read: Read): boolean {
  return rows.some(
    ({ at, owner, suspectAt }, index) =>
      owner !== null &&
      suspectAt !== null &&
      at < read.endedAt &&
      (rows[index + 1]?.at ?? Infinity) > read.at - POLLED_MS,
  );
}

function wasAbsent({ absences }: Evidence, read: Read): boolean {
  return absences.some(
    ({ replica, at, endedAt }) =>
      replica === read.replica && at < read.endedAt && endedAt > read.at,
  );
}

function processOf({ replica, incarnation }: Read): string {
  return `${replica} ${incarnation}`;
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [item]);
    } else {
      group.push(item);
    }
  }
  return groups;
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}

function clockTime(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
