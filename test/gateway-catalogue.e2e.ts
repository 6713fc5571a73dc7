import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { makeClient } from './support/clients.js';
import { Pair } from './support/pair.js';
import { send, type RawAnswer } from './support/send.js';
import { APP_ID } from './support/service.js';
import { WECHAT_OPERATIONS, type WechatOperation } from './support/wechat-operations.js';

/* Every operation of WeChat's: with a rule for it, it arrives byte for byte; without one, not at all. */

const RULES_OF_A_CLIENT = 100;
const QUERY = 'b=2&a=&b=%E4%BD%A0+x&c=%7e';

let pair: Pair;

beforeAll(async () => {
  pair = await Pair.start();
});
afterAll(() => pair.close());

function call({ method, path }: WechatOperation, key: string): Promise<RawAnswer> {
  return send(pair.service.url, method, `/v1/accounts/${APP_ID}/gateway${path}?${QUERY}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: method === 'GET' ? undefined : '{}',
  });
}

function clientFor(operations: readonly WechatOperation[]): Promise<{ key: string }> {
  const allow = operations.map(({ method, path }) => `${method} ${path}`);
  return makeClient(pair.service, {
    scopes: ['gateway'],
    gateway: { allow, per_minute: 100_000 },
  });
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

it('has several hundred operations', () => {
  expect(WECHAT_OPERATIONS.length).toBeGreaterThan(500);
});

it('each arrives as it was sent, under a rule for it', async () => {
  for (const part of chunks(WECHAT_OPERATIONS, RULES_OF_A_CLIENT)) {
    const { key } = await clientFor(part);
    const answers = await Promise.all(part.map((operation) => call(operation, key)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  }
  const arrived = (await pair.wechat.journal()).filter(({ rawQuery }) => rawQuery.endsWith(QUERY));
  const touched = arrived.filter(({ rawQuery }) => rawQuery !== QUERY);
  expect(touched.filter(({ rawQuery }) => !/^access_token=\[\w+\]&b=2/.test(rawQuery))).toEqual([]);
  // These carry a token of a user's own, which nobody replaces.
  const untouched = arrived.filter(({ rawQuery }) => rawQuery === QUERY).map(({ path }) => path);
  expect(untouched.sort()).toEqual(['/sns/auth', '/sns/oauth2/refresh_token', '/sns/userinfo']);
  expect(arrived.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    WECHAT_OPERATIONS.map(({ method, path }) => `${method} ${path}`).sort(),
  );
});

it('none arrives where the client has the rules of all others', async () => {
  const before = await pair.wechat.lastSeq();
  for (const part of chunks(WECHAT_OPERATIONS, RULES_OF_A_CLIENT)) {
    const rest = WECHAT_OPERATIONS.filter((operation) => !part.includes(operation));
    const { key } = await clientFor(rest.slice(0, RULES_OF_A_CLIENT));
    const answers = await Promise.all(part.map((operation) => call(operation, key)));
    expect(answers.filter(({ status }) => status !== 403)).toEqual([]);
  }
  expect(await pair.wechat.countCalls({ since: before })).toBe(0);
});
