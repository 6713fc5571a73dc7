import { SeededRandom } from './seeded-random.js';
import type { DatabaseKind, Terms } from './terms.js';

/** What is done to the connections of a proxy while a fault lasts. */
export type LinkFault = 'refuse' | 'delay' | 'freeze' | 'reset' | 'cut';

/** How WeChat spoils one answer; the simulator does it. */
export type AnswerFault =
  'busy' | 'status_500' | 'hang' | 'reset_before' | 'reset_after' | 'html' | 'truncated' | 'slow';

/**
 * One fault. `replica` is -1 where it strikes all of them, or none in particular.
 *
 * Sequences, each with a refresh in the middle:
 * - burst: an admin refresh at every replica, closer together than the floor
 * - token_killed: WeChat drops the token; `handed_out`: and goes on returning it to unforced calls
 * - contention: the token dies while WeChat is slow, so that all replicas want to fetch at once
 * - lost_answers: two tokens are minted that nobody here sees, then WeChat cannot be reached
 * - holder_killed, holder_stopped, holder_cut: it happens to the holder of the lease after WeChat minted
 *   and before the commit, for longer than the lease
 * - foreign_mint: another party fetches
 * - wechat_away: no replica reaches WeChat, and a refresh is asked for
 * - rolling_restart: SIGTERM, one replica after the other
 *
 * Single faults: a link to the database or to WeChat; WeChat's answer to one path; a process that is
 * killed or stopped; the wall clock of a process that jumps; SQLite's write lock held by somebody.
 */
export type PlannedFault = {
  readonly at: number;
  readonly lastsMs: number;
  readonly replica: number;
} & (
  | { readonly kind: 'burst'; readonly gapMs: number }
  | { readonly kind: 'token_killed'; readonly variant: 'gone' | 'handed_out' }
  | { readonly kind: 'contention' }
  | { readonly kind: 'lost_answers'; readonly variant: 'reset_after' | 'truncated' | 'hang' }
  | { readonly kind: 'holder_killed' | 'holder_stopped' | 'holder_cut' }
  | { readonly kind: 'foreign_mint' | 'rolling_restart' | 'admin_refresh' }
  | { readonly kind: 'wechat_away'; readonly variant: 'refuse' | 'freeze' }
  | { readonly kind: 'database_link' | 'wechat_link'; readonly variant: LinkFault }
  | {
      readonly kind: 'wechat_answer';
      readonly variant: AnswerFault;
      readonly path: 'fetch' | 'probe';
    }
  | { readonly kind: 'killed' | 'stopped' | 'database_locked' }
  | { readonly kind: 'clock'; readonly shiftSeconds: number }
);

export type FaultKind = PlannedFault['kind'];

export interface PlanInput {
  readonly seed: number;
  readonly faultMs: number;
  readonly terms: Terms;
  /** The replica whose clock can be shifted, or undefined where none can. */
  readonly clockReplica: number | undefined;
}

/** Without a fault at the start, so that a first token is everywhere. */
const CALM_MS = 2_000;
const ALL = -1;

/** Which faults strike when: a pure function of its input. Ordered by time; none outlasts `faultMs`. */
export function planFaults(input: PlanInput): PlannedFault[] {
  const random = new SeededRandom(input.seed);
  const sequences = planSequences(input, new SeededRandom(random.between(1, 2 ** 31)));
  const singles = planSingles(input, new SeededRandom(random.between(1, 2 ** 31)));
  return [...sequences, ...singles].sort((a, b) => a.at - b.at);
}

/** The longer ones that need a refresh of their own, one after the other: each of them within 60 s. */
function planSequences(input: PlanInput, random: SeededRandom): PlannedFault[] {
  const faults: PlannedFault[] = [];
  let at = CALM_MS;
  let deck: PlannedFault[] = [];
  for (let misses = 0; misses < 12;) {
    if (deck.length === 0) {
      deck = random.shuffled(sequencesOf(input.terms, random));
    }
    const card = deck.pop();
    if (card === undefined || at + card.lastsMs > input.faultMs) {
      misses += 1;
      continue;
    }
    faults.push({ ...card, at });
    at += card.lastsMs + random.between(200, 800);
  }
  return faults;
}

function sequencesOf({ mode, leaseMs, replicas }: Terms, random: SeededRandom): PlannedFault[] {
  const one = (): number => random.between(0, replicas - 1);
  const pastLeaseMs = leaseMs + random.between(2_500, 3_500);
  const base = { at: 0, replica: ALL };
  const killed = { ...base, kind: 'token_killed', lastsMs: 2_500 } as const;
  const variant = random.pick(['reset_after', 'truncated', 'hang'] as const);
  const cards: PlannedFault[] = [
    { ...base, kind: 'burst', gapMs: random.between(90, 150), lastsMs: 2_000 },
    { ...killed, variant: 'gone' },
    { ...base, kind: 'contention', lastsMs: 3_000 },
    { ...base, kind: 'lost_answers', replica: one(), variant, lastsMs: 12_500 },
    { ...base, kind: 'holder_killed', replica: one(), lastsMs: pastLeaseMs },
    { ...base, kind: 'holder_stopped', replica: one(), lastsMs: pastLeaseMs },
    { ...base, kind: 'holder_cut', replica: one(), lastsMs: pastLeaseMs + 1_000 },
    { ...base, kind: 'foreign_mint', lastsMs: 500 },
    {
      ...base,
      kind: 'wechat_away',
      variant: random.pick(['refuse', 'freeze'] as const),
      lastsMs: random.between(3_000, 5_000),
    },
  ];
  if (mode === 'stable') {
    cards.push({ ...killed, variant: 'handed_out' });
  }
  return cards;
}

/** Shorter ones, at any time, on any replica. */
function planSingles(input: PlanInput, random: SeededRandom): PlannedFault[] {
  const faults: PlannedFault[] = [];
  // A rolling restart fits where there is time for it, and once.
  const restartMs = 5_000 * input.terms.replicas;
  if (input.faultMs >= 2 * restartMs) {
    const at = random.between(CALM_MS, input.faultMs - restartMs);
    faults.push({ kind: 'rolling_restart', replica: ALL, at, lastsMs: restartMs });
  }
  let at = CALM_MS + random.between(0, 1_500);
  while (at < input.faultMs - 1_500) {
    const single = singleOf(input, random);
    const lastsMs = Math.min(single.lastsMs, input.faultMs - at);
    faults.push({ ...single, at, lastsMs });
    at += random.between(700, 2_500);
  }
  return faults;
}

function singleOf({ terms, clockReplica }: PlanInput, random: SeededRandom): PlannedFault {
  const { replicas, database } = terms;
  const replica = random.between(0, replicas - 1);
  const oneOrAll = random.between(0, 3) === 0 ? ALL : replica;
  const lastsMs = random.between(400, 3_500);
  const base = { at: 0, lastsMs, replica };
  const cards: PlannedFault[] = [
    { ...base, kind: 'wechat_link', replica: oneOrAll, variant: linkFault(random) },
    { ...base, kind: 'wechat_answer', ...answerFault(random) },
    { ...base, kind: 'wechat_answer', ...answerFault(random) },
    { ...base, kind: 'admin_refresh', lastsMs: 500 },
    { ...base, kind: 'killed' },
    { ...base, kind: 'stopped' },
    ...databaseFaults(database, { ...base, replica: oneOrAll }, random),
  ];
  // Half as often as the rest.
  if (clockReplica !== undefined && random.next() < 0.5) {
    const shiftSeconds = random.pick([-90, -20, 15, 45]);
    cards.push({ ...base, kind: 'clock', replica: clockReplica, shiftSeconds });
  }
  return random.pick(cards);
}

/** SQLite is a file: what can happen to it is that somebody else writes. */
function databaseFaults(
  database: DatabaseKind,
  base: { at: number; lastsMs: number; replica: number },
  random: SeededRandom,
): PlannedFault[] {
  if (database === 'sqlite') {
    return [{ ...base, replica: ALL, kind: 'database_locked' }];
  }
  // Now and then for longer than a statement may take.
  const lastsMs = random.between(0, 3) === 0 ? base.lastsMs + 5_000 : base.lastsMs;
  return [
    { ...base, kind: 'database_link', variant: linkFault(random), lastsMs },
    { ...base, kind: 'database_link', variant: linkFault(random) },
  ];
}

function linkFault(random: SeededRandom): LinkFault {
  return random.pick(['refuse', 'delay', 'freeze', 'reset', 'cut'] as const);
}

function answerFault(random: SeededRandom): { variant: AnswerFault; path: 'fetch' | 'probe' } {
  const variant = random.pick([
    'busy',
    'status_500',
    'hang',
    'reset_before',
    'reset_after',
    'html',
    'truncated',
    'slow',
  ] as const);
  return { variant, path: random.pick(['fetch', 'fetch', 'probe'] as const) };
}

/** One line for each fault. */
export function describePlan(faults: readonly PlannedFault[]): string {
  return faults
    .map(({ at, lastsMs, kind, replica, ...rest }) => {
      const seconds = `${(at / 1_000).toFixed(1)}–${((at + lastsMs) / 1_000).toFixed(1)} s`;
      const who = replica === ALL ? 'all' : `replica ${replica}`;
      return `  ${seconds.padEnd(15)} ${kind} (${who}) ${Object.values(rest).join(' ')}`.trimEnd();
    })
    .join('\n');
}
