import type { Options } from './options.js';
import type { Question } from './question.js';
import { type Each, inRounds, mapEach, namesOf, turnsIn } from './rounds.js';
import { SteadyLoad } from './steady-load.js';

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many were asked in fact: fewer than they should be where something else had the core of the load. */
  readonly perSecond: number;
}

export type Pace = Options & { readonly perSecond: number };

/** Long enough for what the others have pushed out of the caches not to show in p99. */
const TURN_MS = 500;

/**
 * Latency of each question at the same pace, round by round.
 * @param meanwhile what else goes on in each turn of a name: begun with it, and waited for after it
 */
export function latencies<Name extends string>(
  questions: Each<Name, Question>,
  pace: Pace,
  meanwhile: Partial<Each<Name, () => Promise<unknown>>> = {},
): Promise<Each<Name, Latency[]>> {
  return inRounds(pace.rounds, () => round(questions, pace, meanwhile));
}

async function round<Name extends string>(
  questions: Each<Name, Question>,
  pace: Pace,
  meanwhile: Partial<Each<Name, () => Promise<unknown>>>,
): Promise<Each<Name, Latency>> {
  const loads = new Map<Name, SteadyLoad>();
  const timesMs = mapEach(questions, (): number[] => []);
  const turns = turnsIn(pace, TURN_MS);
  try {
    for (const name of namesOf(questions)) {
      loads.set(name, await SteadyLoad.connect(questions[name], pace));
    }
    for (let turn = 0; turn < turns; turn += 1) {
      for (const [name, load] of loads) {
        const [answered] = await Promise.all([load.askFor(TURN_MS), meanwhile[name]?.()]);
        for (const ms of answered) {
          timesMs[name].push(ms);
        }
      }
    }
    return mapEach(timesMs, (times) => summary(times, (turns * TURN_MS) / 1_000));
  } finally {
    for (const load of loads.values()) {
      load.close();
    }
  }
}

function summary(timesMs: readonly number[], seconds: number): Latency {
  const sorted = Float64Array.from(timesMs).sort();
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), perSecond: timesMs.length / seconds };
}
