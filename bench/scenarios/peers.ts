import { atLeast, numberText, ratioText } from '../format.js';
import { latencies, type Latency } from '../latency.js';
import type { Question } from '../question.js';
import type { Each } from '../rounds.js';
import type { Figure, Scenario } from '../scenario.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { freshThroughputs, type Throughput } from '../throughput.js';
import { readOf } from '../world.js';

type Name = 'bare-fastify' | 'service' | 'bare-node' | 'stock-nest';

/** The read of the token, against the same answer made by others. */
export const peers: Scenario = {
  name: 'peers',
  about:
    'The token read with a key, against node:http, Fastify and a stock Nest stack with the same check and body',
  run: async (world, options) => {
    const wechat = await world.wechat();
    const start = async (): Promise<Each<Name, Question>> => ({
      'bare-fastify': readOf(await world.baseline('bare-fastify')),
      service: readOf(await world.service(wechat)),
      'bare-node': readOf(await world.baseline('bare-node')),
      'stock-nest': readOf(await world.baseline('stock-nest')),
    });
    const closed = await freshThroughputs(start, options);
    const { service, 'bare-fastify': fastify } = await start();
    const ceiling = spreadOf(closed['bare-fastify'].map(({ perSecond }) => perSecond)).median;
    const open = await latencies({ service, fastify }, { ...options, perSecond: ceiling / 2 });
    return [...ratios(closed, open), ...absolutes(closed, open)];
  },
};

type Closed = Each<Name, Throughput[]>;
type Open = Each<'service' | 'fastify', Latency[]>;

function ratios(closed: Closed, open: Open): Figure[] {
  const against = (name: Name): ReturnType<typeof ratioOf> =>
    ratioOf(speeds(closed.service), speeds(closed[name]));
  const fastify = against('bare-fastify');
  const stock = against('stock-nest');
  const node = against('bare-node');
  const cpuOver = (name: Name): string =>
    ratioText(ratioOf(costs(closed.service), costs(closed[name])));
  const p99 = ratioOf(p99s(open.service), p99s(open.fastify));
  return [
    {
      name: 'throughput against bare Fastify',
      value: ratioText(fastify),
      wanted: atLeast(fastify, 1),
    },
    {
      name: 'throughput against the stock Nest stack',
      value: ratioText(stock),
      wanted: atLeast(stock, 3),
    },
    {
      name: 'throughput against bare node:http',
      value: ratioText(node),
      wanted: atLeast(node, 0.95),
    },
    { name: 'processor time of a read against bare Fastify', value: cpuOver('bare-fastify') },
    { name: 'processor time of a read against bare node:http', value: cpuOver('bare-node') },
    { name: 'p99 at half of the ceiling against bare Fastify', value: ratioText(p99) },
  ];
}

function absolutes(closed: Closed, open: Open): Figure[] {
  const speed = Object.entries(closed).map(([name, rounds]) => ({
    name: `${name}: reads a second, processor time of each`,
    value: `${numberText(spreadOf(speeds(rounds)), '/s')}, ${numberText(spreadOf(costs(rounds)), 'µs', 1)}`,
  }));
  const latency = Object.entries(open).map(([name, rounds]) => ({
    name: `${name}: p50, p99 at half of the ceiling`,
    value: `${numberText(spreadOf(rounds.map(({ p50Ms }) => p50Ms)), 'ms', 2)}, ${numberText(spreadOf(p99s(rounds)), 'ms', 2)}`,
  }));
  return [...speed, ...latency];
}

function speeds(rounds: readonly Throughput[]): number[] {
  return rounds.map(({ perSecond }) => perSecond);
}

function costs(rounds: readonly Throughput[]): number[] {
  return rounds.map(({ cpuMicrosecondsEach }) => cpuMicrosecondsEach);
}

function p99s(rounds: readonly Latency[]): number[] {
  return rounds.map(({ p99Ms }) => p99Ms);
}
