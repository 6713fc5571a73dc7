import { SeededRandom } from './seeded-random.js';
import type { DatabaseKind, Terms } from './terms.js';

/** What is done to the connections of a proxy while a fault lasts. */
export type LinkFault = 'refuse' | 'delay' | 'freeze' | 'reset' | 'cut';

/** What happens to the token while a replica is cut off. */
export type CutOff = 'token_killed' | 'burst';

/** How WeChat spoils one answer; the simulator does it. */
export type AnswerFault = (typeof ANSWER_FAULTS)[number];
const ANSWER_FAULTS = [
  'busy',
  'status_500',
  'hang',
  'reset_before',
  'reset_after',
  'html',
  'truncated',
  'slow',
] as const;

/**
 * One fault. `replica` is -1 where it strikes all of them, or none in particular.
 *
 * Sequences, each with a refresh in the middle:
 * - burst: admin refreshes at every replica, closer together than the floor
 * - token_killed: WeChat drops the token; `handed_out`: and goes on returning it to unforced calls
 * - cut_off: the same of one replica that cannot reach the database meanwhile, while the others can
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
  | { readonly kind: 'cut_off'; readonly variant: LinkFault; readonly sequence: CutOff }
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
const SHORT_STOP_MS = 900;
const ALL = -1;

const SEQUENCES: ReadonlySet<FaultKind> = new Set([
  'burst',
  'token_killed',
  'cut_off',
  'contention',
  'lost_answers',
  'holder_killed',
  'holder_stopped',
  'holder_cut',
  'foreign_mint',
  'wechat_away',
]);

export function isSequence({ kind }: PlannedFault): boolean {
  return SEQUENCES.has(kind);
}

/** In these a single fault may undo what the sequence is for, so most that strike meanwhile are mild. */
const DELICATE: ReadonlySet<FaultKind> = new Set([
  'lost_answers',
  'holder_killed',
  'holder_stopped',
  'holder_cut',
]);

/** And in these all of them: nothing else needs the suspect state, or the fence, as surely as they do. */
const MOST_DELICATE: ReadonlySet<FaultKind> = new Set(['lost_answers', 'holder_cut']);

/** Until a process has come back, or a connection is made again, after a fault is over. */
const AFTERMATH_MS = 1_500;

/** Which faults strike when: a pure function of its input. Ordered by time; none outlasts `faultMs`. */
export function planFaults(input: PlanInput): PlannedFault[] {
  const random = new SeededRandom(input.seed);
  const sequences = planSequences(input, new SeededRandom(random.between(1, 2 ** 31)));
  const singles = planSingles(input, sequences, new SeededRandom(random.between(1, 2 ** 31)));
  return [...sequences, ...singles].sort((a, b) => a.at - b.at);
}

/** The longer ones that need a refresh of their own, one after the other: each of them within 60 s. */
function planSequences(input: PlanInput, random: SeededRandom): PlannedFault[] {
  const faults: PlannedFault[] = [];
  let at = CALM_MS;
  while (at < input.faultMs) {
    for (const card of random.shuffled(sequencesOf(input.terms, random))) {
      if (at + card.lastsMs <= input.faultMs) {
        faults.push({ ...card, at });
        at += card.lastsMs + random.between(200, 500);
      }
    }
    at += CALM_MS;
  }
  return faults;
}

function sequencesOf(
  { mode, database, leaseMs, replicas }: Terms,
  random: SeededRandom,
): PlannedFault[] {
  const one = (): number => random.between(0, replicas - 1);
  const pastLeaseMs = leaseMs + random.between(2_200, 2_800);
  const base = { at: 0, replica: ALL };
  const killed = { ...base, kind: 'token_killed', lastsMs: 2_500 } as const;
  const variant = random.pick(['reset_after', 'truncated', 'hang'] as const);
  const cards: PlannedFault[] = [
    { ...base, kind: 'contention', lastsMs: 3_000 },
    { ...base, kind: 'lost_answers', replica: one(), variant, lastsMs: 10_500 },
    { ...base, kind: 'holder_killed', replica: one(), lastsMs: pastLeaseMs },
    { ...base, kind: 'holder_stopped', replica: one(), lastsMs: pastLeaseMs },
    { ...base, kind: 'holder_cut', replica: one(), lastsMs: pastLeaseMs + 1_500 },
    { ...base, kind: 'foreign_mint', lastsMs: 500 },
    {
      ...base,
      kind: 'wechat_away',
      variant: random.pick(['refuse', 'freeze'] as const),
      lastsMs: random.between(2_500, 3_000),
    },
  ];
  if (database === 'sqlite') {
    cards.push(
      { ...base, kind: 'burst', gapMs: random.between(90, 150), lastsMs: 2_000 },
      { ...killed, variant: 'gone' },
    );
  } else {
    const cutOff = { ...base, kind: 'cut_off', lastsMs: 5_500 } as const;
    const link = (): LinkFault => random.pick(['refuse', 'freeze'] as const);
    cards.push(
      { ...cutOff, replica: one(), variant: link(), sequence: 'burst' },
      // Longer than a dead token may be handed out: this replica must learn it by itself.
      { ...cutOff, replica: one(), variant: link(), sequence: 'token_killed', lastsMs: 6_500 },
    );
  }
  if (mode === 'stable') {
    cards.push({ ...killed, variant: 'handed_out' });
  }
  return cards;
}

/** Shorter ones, at any time, on any replica. */
function planSingles(
  input: PlanInput,
  sequences: readonly PlannedFault[],
  random: SeededRandom,
): PlannedFault[] {
  const faults = planRollingRestart(input, sequences, random);
  let at = CALM_MS + random.between(0, 1_500);
  while (at < input.faultMs - 1_500) {
    const cards = singlesOf(input, random).map((card) => ({ ...card, at }));
    const mild = cards.filter(isMild);
    const any = random.pick(cards);
    const milder = random.pick(mild);
    const isSpared = strikesDuring(any, sequences, MOST_DELICATE);
    const isLikelySpared = strikesDuring(any, sequences, DELICATE) && random.between(0, 3) > 0;
    const single = isSpared || isLikelySpared ? milder : any;
    faults.push({ ...single, lastsMs: Math.min(single.lastsMs, input.faultMs - at) });
    at += random.between(800, 2_800);
  }
  return faults;
}

/** Once, where there is time for it, from the start of a sequence that can bear it. */
function planRollingRestart(
  { terms, faultMs }: PlanInput,
  sequences: readonly PlannedFault[],
  random: SeededRandom,
): PlannedFault[] {
  const lastsMs = 3_000 * terms.replicas;
  const restarts = sequences
    .filter((fault) => !DELICATE.has(fault.kind) && fault.at + lastsMs <= faultMs)
    .map(({ at }) => ({ kind: 'rolling_restart', replica: ALL, at, lastsMs }) as const);
  const clear = restarts.filter((restart) => !strikesDuring(restart, sequences, MOST_DELICATE));
  const choice = clear.length > 0 ? clear : restarts;
  return faultMs < 4 * lastsMs || choice.length === 0 ? [] : [random.pick(choice)];
}

function singlesOf({ terms, clockReplica }: PlanInput, random: SeededRandom): PlannedFault[] {
  const { replicas, database } = terms;
  const replica = random.between(0, replicas - 1);
  const oneOrAll = random.between(0, 3) === 0 ? ALL : replica;
  const lastsMs = random.between(400, 3_000);
  const base = { at: 0, lastsMs, replica };
  const cards: PlannedFault[] = [
    { ...base, kind: 'wechat_link', replica: oneOrAll, variant: linkFault(random) },
    { ...base, kind: 'wechat_link', replica: oneOrAll, variant: linkFault(random) },
    { ...base, kind: 'wechat_answer', variant: answerFault(random), path: 'fetch' },
    { ...base, kind: 'wechat_answer', variant: answerFault(random), path: 'fetch' },
    { ...base, kind: 'wechat_answer', variant: answerFault(random), path: 'probe' },
    { ...base, kind: 'wechat_answer', variant: answerFault(random), path: 'probe' },
    { ...base, kind: 'admin_refresh', lastsMs: 500 },
    { ...base, kind: 'admin_refresh', lastsMs: 500 },
    { ...base, kind: 'killed' },
    { ...base, kind: 'stopped' },
    { ...base, kind: 'stopped', lastsMs: random.between(200, SHORT_STOP_MS) },
    ...databaseFaults(database, { ...base, replica: oneOrAll }, random),
  ];
  if (clockReplica !== undefined) {
    const shiftSeconds = random.pick([-90, -20, 15, 45]);
    cards.push({ ...base, kind: 'clock', replica: clockReplica, shiftSeconds });
  }
  return cards;
}

function isMild(fault: PlannedFault): boolean {
  return (
    fault.kind === 'clock' ||
    (fault.kind === 'stopped' && fault.lastsMs <= SHORT_STOP_MS) ||
    (fault.kind === 'wechat_answer' && fault.path === 'probe') ||
    (fault.kind === 'database_link' && fault.variant === 'delay')
  );
}

/** Whether a fault, or what it leaves behind, meets one of these sequences. */
function strikesDuring(
  fault: PlannedFault,
  sequences: readonly PlannedFault[],
  kinds: ReadonlySet<FaultKind>,
): boolean {
  return sequences.some(
    (sequence) =>
      kinds.has(sequence.kind) &&
      fault.at < endOf(sequence) &&
      endOf(fault) + AFTERMATH_MS > sequence.at,
  );
}

function endOf({ at, lastsMs }: PlannedFault): number {
  return at + lastsMs;
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

function answerFault(random: SeededRandom): AnswerFault {
  return random.pick(ANSWER_FAULTS);
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
