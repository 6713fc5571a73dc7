import { atMost, numberText, ratioText } from '../format.js';
import { PostgresDatabase } from '../postgres.js';
import type { PinnedProcess } from '../pinned-process.js';
import type { Scenario } from '../scenario.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { exactly, throughputs } from '../throughput.js';
import { bearer, CLIENT_KEY, READ_PATH, readOf, untilServed } from '../world.js';

const MIB = 1_024 * 1_024;
const REPORTS = 10_000;
const WARM_READS = 200_000;
const MANY_READS = 2_000_000;
const STARTS = 5;

/** Everybody finds the same token dead, and says so. */
export const storm: Scenario = {
  name: 'storm',
  about: `${REPORTS.toLocaleString('en')} reports of one dead token`,
  run: async (world, options) => {
    const wechat = await world.wechat();
    const service = await world.service(wechat, { env: { WECHAT_TOKEN_MODE: 'legacy' } });
    const token = await readToken(service);
    await control(wechat, 'POST', '/tokens/kill', { access_token: token });
    const before = await journal(wechat);
    const startedAt = performance.now();
    const body = JSON.stringify({ access_token: token, errcode: 40_001 });
    const question = { ...readOf(service), paths: [`${READ_PATH}/report`], body };
    await exactly(REPORTS, question, options);
    const seconds = (performance.now() - startedAt) / 1_000;
    const calls = (await journal(wechat)).slice(before.length).map(({ path }) => path);
    const probes = calls.filter((path) => path === '/cgi-bin/getcallbackip').length;
    return [
      { name: 'probes', value: String(probes), wanted: atMost(probes, 1) },
      {
        name: 'refreshes',
        value: String(calls.length - probes),
        wanted: atMost(calls.length - probes, 1),
      },
      { name: 'all answered', value: `in ${seconds.toFixed(1)} s` },
    ];
  },
};

/** Two replicas on one core each get half of it; what the second costs shows in the sum. */
export const processes: Scenario = {
  name: 'processes',
  about:
    'Reads of two replicas on one PostgreSQL and one core, together, against one replica alone',
  run: async (world, options) => {
    const database = await PostgresDatabase.create(world);
    const wechat = await world.wechat();
    const first = await world.service(wechat, { database: database.url() });
    const second = await world.service(wechat, { database: database.url() });
    const closed = await throughputs(
      { alone: readOf(first), together: [readOf(first), readOf(second)] },
      options,
    );
    const alone = closed.alone.map(({ perSecond }) => perSecond);
    const together = closed.together.map(({ perSecond }) => perSecond);
    return [
      {
        name: 'two replicas against one, throughput',
        value: ratioText(ratioOf(together, alone)),
      },
      { name: 'one replica: reads a second', value: numberText(spreadOf(alone), '/s') },
    ];
  },
};

export const memory: Scenario = {
  name: 'memory',
  about: 'Resident memory after 2,000,000 reads, against after the first 200,000',
  run: async (world, options) => {
    const service = await world.service(await world.wechat());
    await exactly(WARM_READS, readOf(service), options);
    const warm = service.residentBytes();
    await exactly(MANY_READS - WARM_READS, readOf(service), options);
    const growth = (service.residentBytes() / warm - 1) * 100;
    return [
      { name: 'growth', value: `${growth.toFixed(1)} %`, wanted: atMost(growth, 5, ' %') },
      { name: 'after 200,000 reads', value: `${Math.round(warm / MIB)} MiB` },
    ];
  },
};

export const start: Scenario = {
  name: 'start',
  about: 'From the start of the process to its first served token, with a stored one',
  run: async (world) => {
    const wechat = await world.wechat();
    const database = world.sqlite();
    await (await world.service(wechat, { database })).stop();
    const calls = (await journal(wechat)).length;
    const seconds: number[] = [];
    for (let round = 0; round < STARTS; round += 1) {
      const startedAt = performance.now();
      const service = await world.startService(wechat, { database });
      await untilServed(service);
      seconds.push((performance.now() - startedAt) / 1_000);
      await service.stop();
    }
    const spread = spreadOf(seconds);
    const asked = (await journal(wechat)).length - calls;
    return [
      {
        name: 'start to first token',
        value: numberText(spread, 's', 2),
        wanted: atMost(spread.median, 2, ' s'),
      },
      { name: 'calls to WeChat meanwhile', value: String(asked), wanted: atMost(asked, 0) },
    ];
  },
};

async function readToken(service: PinnedProcess): Promise<string> {
  const answer = await fetch(service.url + READ_PATH, { headers: bearer(CLIENT_KEY) });
  const body = (await answer.json()) as { access_token: string };
  return body.access_token;
}

async function journal(wechat: PinnedProcess): Promise<{ path: string }[]> {
  const answer = await control(wechat, 'GET', '/journal?limit=10000000');
  return (answer as { entries: { path: string }[] }).entries;
}

async function control(
  wechat: PinnedProcess,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const answer = await fetch(`${wechat.url}/__simulator${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  return answer.json();
}
