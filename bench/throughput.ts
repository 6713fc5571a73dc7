import { ClosedLoad } from './closed-load.js';
import type { Options } from './options.js';
import type { Question } from './question.js';
import { type Each, inRounds, mapEach, namesOf, turnsIn } from './rounds.js';

export interface Throughput {
  readonly perSecond: number;
  readonly cpuMicrosecondsEach: number;
}

/** One question, or several at the same time, which then share the connections. */
export type Contender = Question | readonly Question[];

const TURN_MS = 50;
const WARM_UP_MS = 2_000;

/** Throughput of each contender, round by round. */
export async function throughputs<Name extends string>(
  contenders: Each<Name, Contender>,
  options: Options,
): Promise<Each<Name, Throughput[]>> {
  const lanes = await warmUp(contenders, options);
  return inRounds(options.rounds, () => round(lanes, turnsIn(options, TURN_MS), TURN_MS));
}

/**
 * The same with processes of its own for each round: two of one program differ by some percent for as long as
 * they live, by where their memory lies and in which order it was compiled.
 */
export function freshThroughputs<Name extends string>(
  start: () => Promise<Each<Name, Question>>,
  options: Options,
): Promise<Each<Name, Throughput[]>> {
  return inRounds(options.rounds, async () => {
    const contenders = await start();
    const lanes = await warmUp(contenders, options);
    const measured = await round(lanes, turnsIn(options, TURN_MS), TURN_MS);
    for (const name of namesOf(contenders)) {
      await contenders[name].process.stop();
    }
    return measured;
  });
}

/** How many requests a second its process answers, once it is warm. */
export async function ceilingOf(question: Question, options: Options): Promise<number> {
  const { it } = await throughputs({ it: question }, { ...options, rounds: 1 });
  return it[0]?.perSecond ?? NaN;
}

/** A given number of requests, as fast as they are answered. @throws Error when one is not as it should be */
export async function exactly(
  amount: number,
  question: Question,
  { connections }: Pick<Options, 'connections'>,
): Promise<void> {
  const load = await ClosedLoad.connect(question, connections);
  try {
    await load.askOften(amount);
  } finally {
    load.close();
  }
}

async function warmUp<Name extends string>(
  contenders: Each<Name, Contender>,
  { connections }: Options,
): Promise<Each<Name, Lane>> {
  const lanes = mapEach(contenders, (contender) => new Lane(contender, connections));
  await round(lanes, 1, WARM_UP_MS);
  return lanes;
}

async function round<Name extends string>(
  lanes: Each<Name, Lane>,
  turns: number,
  turnMs: number,
): Promise<Each<Name, Throughput>> {
  try {
    for (const name of namesOf(lanes)) {
      await lanes[name].open();
    }
    for (let turn = 0; turn < turns; turn += 1) {
      for (const name of namesOf(lanes)) {
        await lanes[name].turn(turnMs);
      }
    }
    return mapEach(lanes, (lane) => lane.total());
  } finally {
    mapEach(lanes, (lane) => {
      lane.close();
    });
  }
}

/** One contender: its connections for a round, and what its turns add up to. */
class Lane {
  private readonly questions: readonly Question[];
  private loads: ClosedLoad[] = [];
  private answered = 0;
  private elapsedMs = 0;
  private cpuMs = 0;

  constructor(
    contender: Contender,
    private readonly connections: number,
  ) {
    this.questions = 'process' in contender ? [contender] : contender;
  }

  async open(): Promise<void> {
    this.answered = this.elapsedMs = this.cpuMs = 0;
    const share = Math.ceil(this.connections / this.questions.length);
    for (const question of this.questions) {
      this.loads.push(await ClosedLoad.connect(question, share));
    }
  }

  async turn(ms: number): Promise<void> {
    const cpuBefore = this.cpuNow();
    const startedAt = performance.now();
    const answered = await Promise.all(this.loads.map((load) => load.askFor(ms)));
    this.elapsedMs += performance.now() - startedAt;
    this.cpuMs += this.cpuNow() - cpuBefore;
    this.answered += answered.reduce((sum, count) => sum + count, 0);
  }

  total(): Throughput {
    return {
      perSecond: (this.answered / this.elapsedMs) * 1_000,
      cpuMicrosecondsEach: (this.cpuMs / this.answered) * 1_000,
    };
  }

  close(): void {
    for (const load of this.loads.splice(0)) {
      load.close();
    }
  }

  private cpuNow(): number {
    return this.questions.reduce((sum, { process }) => sum + process.cpuMs(), 0);
  }
}
