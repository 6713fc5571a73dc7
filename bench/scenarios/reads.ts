import { addAccounts, addClients, removeAccounts } from '../admin.js';
import { atLeast, numberText, ratioText } from '../format.js';
import type { Question } from '../question.js';
import type { Figure, Scenario } from '../scenario.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { freshThroughputs, throughputs, type Throughput } from '../throughput.js';
import { bearer, CLIENT_KEY, READ_PATH, readOf, readPath } from '../world.js';

/** How many paths and keys a load goes through; as many for one account as for a thousand. */
const IN_TURN = 1_000;

export const notModified: Scenario = {
  name: 'not-modified',
  about: 'A read that the client has already (If-None-Match, 304), against one that it has not',
  run: async (world, options) => {
    const service = await world.service(await world.wechat());
    const answer = await fetch(service.url + READ_PATH, { headers: bearer(CLIENT_KEY) });
    const etag = answer.headers.get('etag') ?? '';
    await answer.text();
    const full = readOf(service);
    const headers = { ...full.headers, 'if-none-match': etag };
    const closed = await throughputs({ known: { ...full, headers, status: 304 }, full }, options);
    return [{ name: '304 against 200, throughput', value: ratio(closed.known, closed.full) }];
  },
};

export const accounts: Scenario = {
  name: 'accounts',
  about: 'Reads of 100 and 1,000 accounts in turn, against reads of one on a service that has one',
  run: async (world, options) => {
    const wechat = await world.wechat();
    const closed = await freshThroughputs(async () => {
      const one = await world.service(wechat);
      const many = await world.service(wechat);
      // What a process has done before shows in its compiled code, so both have done the same.
      await removeAccounts(one, await addAccounts(one, 1_000));
      const appIds = await addAccounts(many, 1_000);
      const ask = (count: number): Question => ({
        ...readOf(many),
        paths: inTurn(appIds.slice(0, count).map(readPath)),
      });
      return {
        one: { ...readOf(one), paths: inTurn([READ_PATH]) },
        // What the account in the request costs, apart from what a thousand of them cost in the background.
        oneOfThousand: ask(1),
        hundred: ask(100),
        thousand: ask(1_000),
      };
    }, options);
    const thousand = ratioOf(speeds(closed.thousand), speeds(closed.one));
    return [
      {
        name: '1,000 accounts against one, throughput',
        value: ratioText(thousand),
        wanted: atLeast(thousand, 0.95),
      },
      { name: '100 accounts against one', value: ratio(closed.hundred, closed.one) },
      {
        name: '1,000 accounts against one of them, on the same service',
        value: ratio(closed.thousand, closed.oneOfThousand),
      },
      ...absolutes(closed),
    ];
  },
};

export const keys: Scenario = {
  name: 'keys',
  about: 'Reads with 1,000 keys in turn, on services that know 1,000 and 10,000, against one key',
  run: async (world, options) => {
    const wechat = await world.wechat();
    const one = await world.service(wechat);
    const some = await world.service(wechat);
    const many = await world.service(wechat);
    const ask = (process: typeof one, known: readonly string[]): Question => ({
      ...readOf(process),
      headers: {},
      headersInTurn: inTurn(known).map(bearer),
    });
    const questions = {
      one: ask(one, [CLIENT_KEY]),
      thousand: ask(some, await addClients(some, 1_000)),
      tenThousand: ask(many, everyTenth(await addClients(many, 10_000))),
    };
    const closed = await throughputs(questions, options);
    const most = ratioOf(speeds(closed.tenThousand), speeds(closed.one));
    return [
      {
        name: '10,000 client keys against one, throughput',
        value: ratioText(most),
        wanted: atLeast(most, 0.95),
      },
      { name: '1,000 client keys against one', value: ratio(closed.thousand, closed.one) },
      ...absolutes(closed),
    ];
  },
};

function inTurn<Item>(items: readonly Item[]): Item[] {
  return Array.from({ length: IN_TURN }, (_, index) => items[index % items.length] as Item);
}

function everyTenth<Item>(items: readonly Item[]): Item[] {
  return items.filter((_, index) => index % 10 === 0);
}

function speeds(rounds: readonly Throughput[]): number[] {
  return rounds.map(({ perSecond }) => perSecond);
}

function costs(rounds: readonly Throughput[]): number[] {
  return rounds.map(({ cpuMicrosecondsEach }) => cpuMicrosecondsEach);
}

function ratio(rounds: readonly Throughput[], others: readonly Throughput[]): string {
  return ratioText(ratioOf(speeds(rounds), speeds(others)));
}

function absolutes(closed: Readonly<Record<string, Throughput[]>>): Figure[] {
  return Object.entries(closed).map(([name, rounds]) => ({
    name: `${name}: reads a second, processor time of each`,
    value: `${numberText(spreadOf(speeds(rounds)), '/s')}, ${numberText(spreadOf(costs(rounds)), 'µs', 1)}`,
  }));
}
