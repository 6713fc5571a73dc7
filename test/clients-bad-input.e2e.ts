import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { admin, CLIENTS, makeClient, type ClientBody } from './support/clients.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  startService,
  type Answer,
  type ProblemBody,
  type Service,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* What an operator may send by mistake to the endpoints of clients and keys. Nothing changes then. */

const CLIENT = `${CLIENTS}/one`;
const KEYS = `${CLIENT}/keys`;
const NEW = { name: 'New', scopes: ['token:read'] };
const NOWHERE = '7d444840-9dc0-41d1-b245-5ffdce74fad2';

let wechat: Simulator;
let service: Service;
let before: unknown;

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  service = await startService(wechat);
  await service.ready();
  await makeClient(service, { id: 'one' });
});
afterAll(async () => {
  await service.close();
  await wechat.close();
});
beforeEach(async () => {
  before = await everything();
});

async function everything(): Promise<unknown> {
  return (await admin(service, 'GET', `${CLIENTS}?limit=200`)).body;
}

async function expectRefused(answer: Answer<ProblemBody>, paths: string[]): Promise<void> {
  expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body.errors?.map(({ path }) => path)).toEqual(paths);
  expect(await everything()).toEqual(before);
}

type Case = [what: string, body: unknown, paths: string[]];

/** Fields that a new client and a change of one have alike. */
const FIELDS: Case[] = [
  ['a name that is empty', { name: '' }, ['body.name']],
  ['a blank name', { name: ' \u3000' }, ['body.name']],
  ['a name that is too long', { name: 'x'.repeat(101) }, ['body.name']],
  ['a name with NUL, which PostgreSQL cannot store', { name: 'a\u0000b' }, ['body.name']],
  ['a name of two lines', { name: 'a\nb' }, ['body.name']],
  ['half a character', { name: 'a\ud800' }, ['body.name']],
  ['a name turned round', { name: 'a\u202eb' }, ['body.name']],
  ['a name with a line separator', { name: 'a\u2028b' }, ['body.name']],
  ['a name that is a number', { name: 1 }, ['body.name']],
  ['a name that is null', { name: null }, ['body.name']],
  ['no scope', { scopes: [] }, ['body.scopes']],
  ['a scope that does not exist', { scopes: ['token:read', 'admin'] }, ['body.scopes.1']],
  ['a scope in capitals', { scopes: ['TOKEN:READ'] }, ['body.scopes.0']],
  ['scopes as a text', { scopes: 'gateway' }, ['body.scopes']],
  ['scopes by the hundred', { scopes: Array(100).fill('token:read') }, ['body.scopes']],
  ['no account', { accounts: [] }, ['body.accounts']],
  ['accounts that are neither', { accounts: 'none' }, ['body.accounts']],
  ['an account that is no AppID', { accounts: [APP_ID, 'gh_0123456789ab'] }, ['body.accounts.1']],
  ['an account that is a number', { accounts: [1] }, ['body.accounts']],
  ['accounts that are null', { accounts: null }, ['body.accounts']],
  ['an expiry in the past', { expires_at: '2020-01-01T00:00:00Z' }, ['body.expires_at']],
  ['an expiry without a zone', { expires_at: '2099-01-01T00:00:00' }, ['body.expires_at']],
  ['an expiry that is a date', { expires_at: '2099-01-01' }, ['body.expires_at']],
  ['an expiry on a day that is none', { expires_at: '2099-02-30T00:00:00Z' }, ['body.expires_at']],
  [
    'an expiry past the year 9999',
    { expires_at: '9999-12-31T23:59:59-01:00' },
    ['body.expires_at'],
  ],
  ['an expiry in seconds', { expires_at: 4_070_908_800 }, ['body.expires_at']],
  ['a gateway that is a list', { gateway: [] }, ['body.gateway']],
  ['a gateway that is null', { gateway: null }, ['body.gateway']],
  ['an unknown field of the gateway', { gateway: { rules: [] } }, ['body.gateway.rules']],
  ['rules as a text', { gateway: { allow: '* /*' } }, ['body.gateway.allow']],
  ['a rule that is a number', { gateway: { allow: ['* /*', 1] } }, ['body.gateway.allow.1']],
  [
    'rules that are none',
    { gateway: { allow: ['', 'GET /a', 'draft/add', 'FETCH /a', 'GET /a*'] } },
    [0, 2, 3, 4].map((place) => `body.gateway.allow.${place}`),
  ],
  ['a rule that goes round', { gateway: { allow: ['GET /a/../b'] } }, ['body.gateway.allow.0']],
  ['an encoded rule', { gateway: { allow: ['GET /%74oken'] } }, ['body.gateway.allow.0']],
  ['a preset that does not exist', { gateway: { allow: ['@all'] } }, ['body.gateway.allow.0']],
  [
    'a rule that is too long',
    { gateway: { allow: [`GET /${'x'.repeat(296)}`] } },
    ['body.gateway.allow.0'],
  ],
  [
    'too many rules',
    { gateway: { allow: Array.from({ length: 201 }, (_, number) => `GET /${number}`) } },
    ['body.gateway.allow'],
  ],
  ['no call a minute', { gateway: { per_minute: 0 } }, ['body.gateway.per_minute']],
  ['too many calls a minute', { gateway: { per_minute: 100_001 } }, ['body.gateway.per_minute']],
  ['half a call a minute', { gateway: { per_minute: 1.5 } }, ['body.gateway.per_minute']],
  ['calls a minute as a text', { gateway: { per_minute: '600' } }, ['body.gateway.per_minute']],
  ['an unknown field', { enabled: true }, ['body.enabled']],
  ['a key of one’s own', { key: 'wtc_mine' }, ['body.key']],
  [
    'several mistakes',
    { name: '', scopes: ['x'], accounts: ['y'] },
    ['body.name', 'body.scopes.0', 'body.accounts.0'],
  ],
];

describe('a new client', () => {
  it.each<Case>([
    ...FIELDS.map(([what, body, paths]): Case => [what, { ...NEW, ...(body as object) }, paths]),
    ['nothing', undefined, ['body']],
    ['null', null, ['body']],
    ['a list', [NEW], ['body']],
    ['an empty object', {}, ['body.name', 'body.scopes']],
    ['an id that is empty', { ...NEW, id: '' }, ['body.id']],
    ['an id in capitals', { ...NEW, id: 'One' }, ['body.id']],
    ['an id that begins with a dash', { ...NEW, id: '-one' }, ['body.id']],
    ['an id that is too long', { ...NEW, id: 'x'.repeat(65) }, ['body.id']],
    ['an id with a slash', { ...NEW, id: 'a/b' }, ['body.id']],
    ['an id that is a number', { ...NEW, id: 1 }, ['body.id']],
    ['an id that is null', { ...NEW, id: null }, ['body.id']],
    ['an id that is taken', { ...NEW, id: 'one' }, ['body.id']],
    ['the id of CLIENT_API_KEY', { ...NEW, id: 'default' }, ['body.id']],
    ['the name of the admin in the audit', { ...NEW, id: 'admin' }, ['body.id']],
    ['the name of the service in it', { ...NEW, id: 'service' }, ['body.id']],
  ])('with %s: 400, naming the place', async (_what, body, paths) => {
    await expectRefused(await admin(service, 'POST', CLIENTS, body), paths);
  });

  it('with an expiry in another zone, or fractions of a second, is made', async () => {
    for (const [expiresAt, stored] of [
      ['2099-01-01T08:00:00+08:00', '2099-01-01T00:00:00.000Z'],
      ['2099-01-01T00:00:00.123456Z', '2099-01-01T00:00:00.123Z'],
    ]) {
      const body = { ...NEW, expires_at: expiresAt };
      const made = await admin<ClientBody>(service, 'POST', CLIENTS, body);
      expect([made.status, made.body.expires_at]).toEqual([201, stored]);
    }
  });
});

describe('a change of a client', () => {
  it.each<Case>([
    ...FIELDS,
    ['nothing', undefined, ['body']],
    ['another id', { id: 'two' }, ['body.id']],
  ])('with %s: 400, naming the place', async (_what, body, paths) => {
    await expectRefused(await admin(service, 'PATCH', CLIENT, body), paths);
  });
});

describe('a rule of the gateway', () => {
  it('that is none says what is wrong with it and what to write', async () => {
    const allow = ['draft/add', 'post /a', 'GET /a/', '@all'];
    const answer = await admin(service, 'PATCH', CLIENT, { gateway: { allow } });
    expect(answer.body.errors?.map(({ message }) => message)).toEqual([
      'must be a rule such as "POST /cgi-bin/draft/*", or a preset such as "@drafts-and-media"',
      'the method must be one of GET, HEAD, POST, PUT, PATCH, DELETE, *',
      'the path must not end with /',
      expect.stringMatching(/^there is no such preset; use one of @drafts-and-media, /),
    ]);
  });
});

describe('another key', () => {
  it.each<Case>([
    ['null', null, ['body']],
    ['a list', [], ['body']],
    ['a name that is too long', { name: 'x'.repeat(101) }, ['body.name']],
    ['a name turned round', { name: 'a\u202eb' }, ['body.name']],
    ['an expiry in the past', { expires_at: '2020-01-01T00:00:00Z' }, ['body.expires_at']],
    ['a key of one’s own', { key: 'wtc_mine' }, ['body.key']],
    ['scopes', { scopes: ['token:read'] }, ['body.scopes']],
  ])('with %s: 400, naming the place', async (_what, body, paths) => {
    await expectRefused(await admin(service, 'POST', KEYS, body), paths);
  });
});

describe('a page', () => {
  const cursorOf = (keys: unknown): string =>
    Buffer.from(JSON.stringify(keys)).toString('base64url');

  it.each([
    ['limit=0', 'query.limit'],
    ['limit=201', 'query.limit'],
    ['limit=-1', 'query.limit'],
    ['limit=1.5', 'query.limit'],
    ['limit=ten', 'query.limit'],
    ['limit=', 'query.limit'],
    ['limit=1&limit=2', 'query.limit'],
    ['cursor=', 'query.cursor'],
    ['cursor=one', 'query.cursor'],
    [`cursor=${cursorOf('one')}x`, 'query.cursor'],
    [`cursor=${cursorOf('One')}`, 'query.cursor'],
    [`cursor=${cursorOf({ id: 'one' })}`, 'query.cursor'],
    [`cursor=${cursorOf(['one'])}`, 'query.cursor'],
    [`cursor=${cursorOf("' OR 1=1 --")}`, 'query.cursor'],
    [`cursor=${'x'.repeat(600)}`, 'query.cursor'],
    ['page=2', 'query.page'],
  ])('asked for with ?%s: 400, naming the place', async (query, path) => {
    await expectRefused(await admin(service, 'GET', `${CLIENTS}?${query}`), [path]);
  });
});

describe('what is not there', () => {
  it.each([
    'nobody',
    'default',
    'ONE',
    'one%20',
    '%20one',
    'One',
    'öne',
    '%00',
    "one'--",
    '__proto__',
    'constructor',
    '..%2f..',
    'x'.repeat(65),
    '%F0%9F%92%A5',
  ])('a client %s: 404', async (id) => {
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'x' }],
      ['DELETE', '', undefined],
      ['POST', '/keys', undefined],
      ['DELETE', `/keys/${NOWHERE}`, undefined],
    ] as const) {
      const answer = await admin(service, method, `${CLIENTS}/${id}${path}`, body);
      expect([method, answer.status, answer.body.code]).toEqual([method, 404, 'not_found']);
    }
    expect(await everything()).toEqual(before);
  });

  it.each([NOWHERE, NOWHERE.toUpperCase(), 'one', '%00', '1', `${NOWHERE}%20`])(
    'a key %s: 404',
    async (id) => {
      const answer = await admin(service, 'DELETE', `${KEYS}/${id}`);
      expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    },
  );
});

describe('anything at all', () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('all', 'token:read', APP_ID, '2099-01-01T00:00:00Z', 'one', '\u0000', '\ud800'),
    fc.array(fc.constantFrom('token:read', 'ip:read', APP_ID, '')),
  );
  const names = ['id', 'name', 'scopes', 'accounts', 'gateway', 'expires_at', '__proto__', 'key'];
  const fields = fc.dictionary(fc.constantFrom(...names), value);
  const body = fc.oneof(
    fc.json(),
    fields.map((sent) => JSON.stringify(sent)),
    fields.map((sent) => JSON.stringify({ ...NEW, ...sent })),
    fc.string({ unit: 'binary' }),
  );
  const segment = fc
    .oneof(fc.constantFrom('one', 'default'), fc.string({ unit: 'grapheme', minLength: 1 }))
    .map(encodeURIComponent);

  it.each([
    ['POST', () => CLIENTS],
    ['PATCH', (id: string) => `${CLIENTS}/${id}`],
    ['POST', (id: string) => `${CLIENTS}/${id}/keys`],
    ['DELETE', (id: string) => `${CLIENTS}/nobody/keys/${id}`],
    ['GET', (id: string) => `${CLIENTS}?cursor=${id}`],
    ['GET', (id: string) => `${CLIENTS}?${id}`],
    ['GET', (id: string) => `${CLIENTS}/${id}`],
  ])('%s %s never gives a 500, and no refusal quotes a key', async (method, pathOf) => {
    await fc.assert(
      fc.asyncProperty(segment, body, async (id, sentBody) => {
        const sent = method === 'GET' ? {} : { body: sentBody };
        const answer = await service.call<ProblemBody>(method, pathOf(id), {
          key: ADMIN_KEY,
          ...sent,
        });
        expect([200, 201, 204, 400, 404, 405]).toContain(answer.status);
        if (answer.status >= 400) {
          expect(answer.headers.get('content-type')).toBe('application/problem+json');
          expect(JSON.stringify(answer.body)).not.toContain('wtc_');
        }
      }),
      { numRuns: 60 },
    );
  });
});
