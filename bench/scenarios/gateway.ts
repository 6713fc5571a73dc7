import { admin } from '../admin.js';
import { atLeast, atMost, numberText, ratioText } from '../format.js';
import { latencies, type Latency } from '../latency.js';
import type { PinnedProcess } from '../pinned-process.js';
import type { Question } from '../question.js';
import type { Each } from '../rounds.js';
import type { Figure, Scenario } from '../scenario.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { freshThroughputs, type Throughput } from '../throughput.js';
import { APP_ID, bearer, type World } from '../world.js';

type Name = 'gateway' | 'undici-proxy' | 'nginx';

const CALL = '/cgi-bin/user/info?openid=o6_bmjrPTlm6_2sgVt7hMZOPfL2M&lang=zh_CN';

/** A call through the gateway, against proxies that look at nothing. */
export const gateway: Scenario = {
  name: 'gateway',
  about: 'A small call through the gateway by key, against a proxy over undici and against nginx',
  run: async (world, options) => {
    const wechat = await world.fastWechat();
    const start = async (): Promise<Each<Name, Question>> => ({
      'undici-proxy': callOf(await world.undiciProxy(wechat), CALL),
      gateway: await gatewayOf(world, wechat),
      nginx: callOf(await world.nginx(wechat), CALL),
    });
    const closed = await freshThroughputs(start, options);
    const open = await start();
    const ceiling = spreadOf(speeds(closed['undici-proxy'])).median;
    const measured = await latencies(open, { ...options, perSecond: ceiling / 2 });
    return figures(closed, measured);
  },
};

async function gatewayOf(world: World, wechat: PinnedProcess): Promise<Question> {
  const service = await world.service(wechat);
  const { key } = await admin(service, 'POST', '/clients', {
    name: 'Bench',
    scopes: ['gateway'],
    gateway: { allow: ['GET /cgi-bin/user/info'], per_minute: 100_000 },
  });
  return {
    ...callOf(service, `/v1/accounts/${APP_ID}/gateway${CALL}`),
    headers: bearer(String(key)),
  };
}

function callOf(process: PinnedProcess, path: string): Question {
  return { process, paths: [path], headers: {}, status: 200 };
}

function figures(closed: Each<Name, Throughput[]>, open: Each<Name, Latency[]>): Figure[] {
  const against = (name: Name): ReturnType<typeof ratioOf> =>
    ratioOf(speeds(closed.gateway), speeds(closed[name]));
  const undici = against('undici-proxy');
  const added = medianOf(open.gateway) - medianOf(open['undici-proxy']);
  return [
    {
      name: 'throughput against a proxy over undici',
      value: ratioText(undici),
      wanted: atLeast(undici, 0.8),
    },
    { name: 'throughput against nginx', value: ratioText(against('nginx')) },
    {
      name: 'added to p50 at half of the ceiling of the undici proxy',
      value: `${added.toFixed(2)} ms`,
      wanted: atMost(added, 1, ' ms'),
    },
    ...Object.entries(closed).map(([name, rounds]) => ({
      name: `${name}: calls a second, processor time of each`,
      value: `${numberText(spreadOf(speeds(rounds)), '/s')}, ${numberText(spreadOf(rounds.map(({ cpuMicrosecondsEach }) => cpuMicrosecondsEach)), 'µs', 1)}`,
    })),
    ...Object.entries(open).map(([name, rounds]) => ({
      name: `${name}: p50, p99`,
      value: `${numberText(spreadOf(rounds.map(({ p50Ms }) => p50Ms)), 'ms', 2)}, ${numberText(spreadOf(rounds.map(({ p99Ms }) => p99Ms)), 'ms', 2)}`,
    })),
  ];
}

function medianOf(rounds: readonly Latency[]): number {
  return spreadOf(rounds.map(({ p50Ms }) => p50Ms)).median;
}

function speeds(rounds: readonly Throughput[]): number[] {
  return rounds.map(({ perSecond }) => perSecond);
}
