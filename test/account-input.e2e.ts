import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  startService,
  type Answer,
  type ProblemBody,
  type Service,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* What may be sent to the admin endpoints of accounts by mistake or on purpose: 400 with the path of each problem, nothing changed. */

const ACCOUNTS = '/v1/admin/accounts';
const ONE = `${ACCOUNTS}/${APP_ID}`;
const NEW = { app_id: 'wx00000000000000aa', app_secret: 'canary-secret-0123456789' };

let wechat: Simulator;
let service: Service;
let before: string;

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  service = await startService(wechat);
  await service.ready();
  before = await contents();
});
afterAll(async () => {
  await service.close();
  await wechat.close();
});

async function contents(): Promise<string> {
  const source = service.app.get(DataSource);
  const tables = ['wtc_account', 'wtc_credential', 'wtc_refresh_history'];
  return JSON.stringify(
    await Promise.all(tables.map((table) => source.query(`SELECT * FROM ${table}`))),
  );
}

function send(method: string, path: string, body?: unknown): Promise<Answer<ProblemBody>> {
  return service.call(method, path, { key: ADMIN_KEY, body });
}

function pathsOf({ body }: Answer<ProblemBody>): string[] | undefined {
  return body.errors?.map(({ path }) => path).sort();
}

async function expectRefused(answer: Answer<ProblemBody>, paths: string[]): Promise<void> {
  expect([answer.status, answer.body.code, pathsOf(answer)]).toEqual([
    400,
    'validation_failed',
    paths,
  ]);
  expect(await contents()).toBe(before);
}

const NO_HOSTS = [
  '',
  '*',
  '*.',
  'https://shop.cn',
  'shop.cn/path',
  'shop.cn:443',
  'user@shop.cn',
  'Shop.cn',
  'www.*.cn',
  '*shop.cn',
  'a..cn',
  'shop cn',
  ' shop.cn',
  '商店.cn',
  'xn--a',
  '1.2.3',
  '[::1]',
  7,
  null,
  `${'a.'.repeat(127)}cn`,
];
const LONG = 'x'.repeat(1_025);

describe('POST /v1/admin/accounts', () => {
  it.each<[what: string, body: unknown, paths: string[]]>([
    ['nothing', {}, ['body.app_id', 'body.app_secret']],
    ['an array', [NEW], ['body']],
    ['a text', '"wx0123456789abcdef"', ['body']],
    ['null', 'null', ['body']],
    ['wrong types', { app_id: 1, app_secret: [] }, ['body.app_id', 'body.app_secret']],
    ['an AppID in capitals', { ...NEW, app_id: 'WX00000000000000AA' }, ['body.app_id']],
    ['an AppID of another length', { ...NEW, app_id: 'wx00000000000000a' }, ['body.app_id']],
    ['a blank in the secret', { ...NEW, app_secret: 'a b' }, ['body.app_secret']],
    ['an empty secret', { ...NEW, app_secret: '' }, ['body.app_secret']],
    ['a long secret', { ...NEW, app_secret: 'x'.repeat(129) }, ['body.app_secret']],
    ['an empty name', { ...NEW, name: '' }, ['body.name']],
    ['a long name', { ...NEW, name: 'x'.repeat(101) }, ['body.name']],
    ['a name with a NUL', { ...NEW, name: 'a\0b' }, ['body.name']],
    ['half a character', { ...NEW, name: '\ud800' }, ['body.name']],
    ['a name turned round', { ...NEW, name: 'a\u202eb' }, ['body.name']],
    ['a name of two lines', { ...NEW, name: 'a\u2028b' }, ['body.name']],
    ['an unknown mode', { ...NEW, mode: 'Stable' }, ['body.mode']],
    ['a switch as a text', { ...NEW, enabled: 'true' }, ['body.enabled']],
    ['hosts as a text', { ...NEW, jssdk_hosts: 'shop.cn' }, ['body.jssdk_hosts']],
    ['null for hosts', { ...NEW, jssdk_hosts: null }, ['body.jssdk_hosts']],
    [
      'hosts that are none',
      { ...NEW, jssdk_hosts: ['shop.cn', ...NO_HOSTS] },
      NO_HOSTS.map((_host, index) => `body.jssdk_hosts.${index + 1}`).sort(),
    ],
    [
      'a host of labels that are too long, and too many',
      { ...NEW, jssdk_hosts: [`${'x'.repeat(64)}.`.repeat(4)] },
      ['body.jssdk_hosts.0'],
    ],
    [
      'too many hosts',
      { ...NEW, jssdk_hosts: Array.from({ length: 101 }, () => 'a.cn') },
      ['body.jssdk_hosts'],
    ],
    ['unknown fields', { ...NEW, secret: 'x', host: 'y' }, ['body.host', 'body.secret']],
    ['a token without its life', { ...NEW, access_token: 't' }, ['body.expires_in']],
    ['a life without its token', { ...NEW, expires_in: 7_200 }, ['body.access_token']],
    ['a life of 0 s', { ...NEW, access_token: 't', expires_in: 0 }, ['body.expires_in']],
    ['more than a day', { ...NEW, access_token: 't', expires_in: 86_401 }, ['body.expires_in']],
    ['a life beyond all', { ...NEW, access_token: 't', expires_in: 1e99 }, ['body.expires_in']],
    ['half a second', { ...NEW, access_token: 't', expires_in: 0.5 }, ['body.expires_in']],
    ['a long token', { ...NEW, access_token: LONG, expires_in: 1 }, ['body.access_token']],
    ['a blank in the token', { ...NEW, access_token: 'a b', expires_in: 1 }, ['body.access_token']],
  ])('%s', async (_what, body, paths) => {
    await expectRefused(await send('POST', ACCOUNTS, body), paths);
  });
});

it('half a character in a name is called so', async () => {
  const { body } = await send('POST', ACCOUNTS, { ...NEW, name: 'a\ud800' });
  expect(body.errors).toEqual([
    {
      path: 'body.name',
      message:
        'must not contain control characters, line breaks, invisible format characters (such as U+202E) or unpaired surrogates',
    },
  ]);
});

describe('PATCH /v1/admin/accounts/{app_id}', () => {
  it.each<[what: string, body: unknown, paths: string[]]>([
    ['nothing at all', 'null', ['body']],
    ['an empty secret', { app_secret: '' }, ['body.app_secret']],
    ['a secret that is taken away', { app_secret: null }, ['body.app_secret']],
    ['another AppID', { app_id: NEW.app_id }, ['body.app_id']],
    ['a token', { access_token: 't', expires_in: 1 }, ['body.access_token', 'body.expires_in']],
    ['no host', { jssdk_hosts: ['https://shop.cn'] }, ['body.jssdk_hosts.0']],
    ['two wrong ones', { mode: 'none', enabled: 1 }, ['body.enabled', 'body.mode']],
  ])('%s', async (_what, body, paths) => {
    await expectRefused(await send('PATCH', ONE, body), paths);
  });

  it('of an account that there is not: 404', async () => {
    const { status, body } = await send('PATCH', `${ACCOUNTS}/${NEW.app_id}`, { name: 'x' });
    expect([status, body.code]).toEqual([404, 'account_not_found']);
    expect(await contents()).toBe(before);
  });
});

describe('GET /v1/admin/accounts', () => {
  const cursor = (position: unknown): string =>
    Buffer.from(JSON.stringify(position)).toString('base64url');

  it.each<[query: string, paths: string[]]>([
    ['limit=0', ['query.limit']],
    ['limit=201', ['query.limit']],
    ['limit=-1', ['query.limit']],
    ['limit=ten', ['query.limit']],
    ['limit=1&limit=2', ['query.limit']],
    ['page=2', ['query.page']],
    ['mode=both', ['query.mode']],
    ['enabled=1', ['query.enabled']],
    ['state=well', ['query.state']],
    ['cursor=', ['query.cursor']],
    ['cursor=%00', ['query.cursor']],
    [`cursor=${'a'.repeat(2_000)}`, ['query.cursor']],
    [`cursor=${cursor({ after: APP_ID }).slice(0, -2)}`, ['query.cursor']],
    [`cursor=${cursor({ after: 'zz' })}`, ['query.cursor']],
    [`cursor=${cursor({ after: APP_ID, more: 1 })}`, ['query.cursor']],
    [`cursor=${cursor(null)}`, ['query.cursor']],
  ])('%s', async (query, paths) => {
    await expectRefused(await send('GET', `${ACCOUNTS}?${query}`), paths);
  });
});

it.each([
  ['GET', ACCOUNTS],
  ['POST', ACCOUNTS],
  ['GET', ONE],
  ['PATCH', ONE],
  ['DELETE', ONE],
])('%s %s wants the admin’s key', async (method, path) => {
  const callers = [
    [undefined, 401],
    ['unknown-key-0123456789', 401],
    [CLIENT_KEY, 403],
  ] as const;
  for (const [key, status] of callers) {
    expect(
      (await service.call(method, path, { key, body: method === 'GET' ? undefined : {} })).status,
    ).toBe(status);
  }
  expect(await contents()).toBe(before);
});

describe('random input', () => {
  /** Any JSON, and objects whose fields are nearly right. */
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom<unknown>('stable', 'legacy', true, APP_ID, NEW.app_secret, 1, 7_200, null),
  );
  const nearly = fc.record(
    {
      app_id: fc.oneof(value, fc.constant(APP_ID)),
      app_secret: value,
      name: value,
      mode: value,
      enabled: value,
      jssdk_hosts: fc.oneof(value, fc.array(value, { maxLength: 2 })),
      access_token: value,
      expires_in: value,
      unknown: value,
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(fc.jsonValue(), nearly);

  it('to POST: refused, and nothing is changed', async () => {
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const answer = await send('POST', ACCOUNTS, JSON.stringify(sent));
        expect([400, 409]).toContain(answer.status);
      }),
      { numRuns: 300 },
    );
    expect(await contents()).toBe(before);
  }, 60_000);

  it('to PATCH of any id: 400 or 404, unless all of it is right', async () => {
    const wrong = nearly.map((sent) => ({ ...sent, unknown: 1 }));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.jsonValue(), wrong),
        fc.option(fc.string()),
        async (sent, id) => {
          const path = id === null ? ONE : `${ACCOUNTS}/x${encodeURIComponent(id)}`;
          const answer = await send('PATCH', path, JSON.stringify(sent));
          // An object without a field changes nothing, and is none of the wrong ones.
          const isEmpty = JSON.stringify(sent) === '{}';
          expect(id === null ? [isEmpty ? 200 : 400] : [400, 404]).toContain(answer.status);
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);

  it('as an id to GET and DELETE: 404', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), async (id) => {
        const path = `${ACCOUNTS}/x${encodeURIComponent(id)}`;
        for (const method of ['GET', 'DELETE']) {
          const { status, body: problem } = await send(method, path);
          expect([status, problem.code]).toEqual([404, 'account_not_found']);
        }
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  it('as a query of the list: 200 or 400', async () => {
    const names = fc.constantFrom('cursor', 'limit', 'mode', 'enabled', 'state', 'x');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(names, fc.string()), { maxLength: 4 }), async (pairs) => {
        const query = new URLSearchParams(pairs).toString();
        expect([200, 400]).toContain((await send('GET', `${ACCOUNTS}?${query}`)).status);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
