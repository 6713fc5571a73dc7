import { atLeast, numberText, ratioText } from '../format.js';
import { closedLoop, openLoop, type Latency, type Question, type Throughput } from '../load.js';
import type { Options } from '../options.js';
import type { Figure, Scenario } from '../scenario.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { bearer, CLIENT_KEY, READ_PATH, type World } from '../world.js';

const NAMES = ['bare-fastify', 'service', 'bare-node', 'stock-nest'] as const;
type Name = (typeof NAMES)[number];
const WARM_UP_SECONDS = 3;

interface Rounds {
  readonly throughput: Throughput[];
  readonly latency: Latency[];
}

/** The read of the token, against the same answer made by others. */
export const peers: Scenario = {
  name: 'peers',
  about:
    'the token read with a key, against node:http, Fastify and a stock Nest stack with the same check and body',
  run: async (world, options) => {
    const questions = await startAll(world);
    const rounds = new Map(
      NAMES.map((name): [Name, Rounds] => [name, { throughput: [], latency: [] }]),
    );
    for (const question of questions.values()) {
      await closedLoop(question, { ...options, seconds: WARM_UP_SECONDS });
    }
    for (let round = 0; round < options.rounds; round += 1) {
      for (const name of NAMES) {
        rounds.get(name)?.throughput.push(await closedLoop(of(questions, name), options));
      }
    }
    await askSteadily(questions, rounds, options);
    return figuresOf(rounds);
  },
};

async function startAll(world: World): Promise<ReadonlyMap<Name, Question>> {
  const wechat = await world.wechat();
  const questions = new Map<Name, Question>();
  for (const name of NAMES) {
    const process = name === 'service' ? await world.service(wechat) : await world.baseline(name);
    questions.set(name, {
      process,
      paths: [READ_PATH],
      headers: bearer(CLIENT_KEY),
      status: 200,
    });
  }
  return questions;
}

/** At half of what bare Fastify carries: everyone gets the same load. */
async function askSteadily(
  questions: ReadonlyMap<Name, Question>,
  rounds: ReadonlyMap<Name, Rounds>,
  options: Options,
): Promise<void> {
  const ceiling = spreadOf(of(rounds, 'bare-fastify').throughput.map(({ perSecond }) => perSecond));
  const perSecond = ceiling.median / 2;
  for (let round = 0; round < options.rounds; round += 1) {
    for (const name of ['bare-fastify', 'service'] as const) {
      const latency = await openLoop(of(questions, name), { ...options, perSecond });
      of(rounds, name).latency.push(latency);
    }
  }
}

function figuresOf(rounds: ReadonlyMap<Name, Rounds>): Figure[] {
  const speed = (name: Name): number[] => of(rounds, name).throughput.map((each) => each.perSecond);
  const cpu = (name: Name): number[] =>
    of(rounds, name).throughput.map((each) => each.cpuMicrosecondsEach);
  const p99 = (name: Name): number[] => of(rounds, name).latency.map(({ p99Ms }) => p99Ms);
  const fastify = ratioOf(speed('service'), speed('bare-fastify'));
  const stock = ratioOf(speed('service'), speed('stock-nest'));
  return [
    {
      name: 'throughput against bare Fastify',
      value: ratioText(fastify),
      wanted: atLeast(fastify, 0.85),
    },
    {
      name: 'throughput against the stock Nest stack',
      value: ratioText(stock),
      wanted: atLeast(stock, 3),
    },
    {
      name: 'throughput against bare node:http',
      value: ratioText(ratioOf(speed('service'), speed('bare-node'))),
    },
    {
      name: 'processor time of a read against bare Fastify',
      value: ratioText(ratioOf(cpu('service'), cpu('bare-fastify'))),
    },
    {
      name: 'p99 at half of the ceiling against bare Fastify',
      value: ratioText(ratioOf(p99('service'), p99('bare-fastify'))),
    },
    ...NAMES.map((name) => ({
      name: `${name}: reads, processor time each`,
      value: `${numberText(spreadOf(speed(name)), '/s')}, ${numberText(spreadOf(cpu(name)), 'µs', 1)}`,
    })),
    ...(['bare-fastify', 'service'] as const).map((name) => ({
      name: `${name}: p50, p99 at half of the ceiling`,
      value: `${numberText(spreadOf(of(rounds, name).latency.map(({ p50Ms }) => p50Ms)), 'ms', 2)}, ${numberText(spreadOf(p99(name)), 'ms', 2)}`,
    })),
  ];
}

function of<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) {
    throw new Error(`nothing was measured of ${String(key)}`);
  }
  return value;
}
