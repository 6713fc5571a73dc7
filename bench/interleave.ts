import { closedLoop, type Question, type Throughput } from './load.js';
import type { Options } from './options.js';
import { openLoop, type Latency } from './steady-load.js';

const WARM_UP_SECONDS = 2;

/** Throughput of each question, round by round in turn: A B C A B C … */
export async function throughputs<Name extends string>(
  questions: Readonly<Record<Name, Question>>,
  options: Options,
): Promise<Record<Name, Throughput[]>> {
  for (const name of namesOf(questions)) {
    await closedLoop(questions[name], { ...options, seconds: WARM_UP_SECONDS });
  }
  return inTurn(questions, options.rounds, (question) => closedLoop(question, options));
}

/** Latency of each question at the same rate, round by round in turn. */
export async function latencies<Name extends string>(
  questions: Readonly<Record<Name, Question>>,
  { perSecond, ...options }: Options & { perSecond: number },
): Promise<Record<Name, Latency[]>> {
  return inTurn(questions, options.rounds, (question) =>
    openLoop(question, { ...options, perSecond }),
  );
}

async function inTurn<Name extends string, Result>(
  questions: Readonly<Record<Name, Question>>,
  rounds: number,
  measure: (question: Question) => Promise<Result>,
): Promise<Record<Name, Result[]>> {
  const names = namesOf(questions);
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    Result[]
  >;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      results[name].push(await measure(questions[name]));
    }
  }
  return results;
}

function namesOf<Name extends string>(record: Readonly<Record<Name, unknown>>): Name[] {
  return Object.keys(record) as Name[];
}
