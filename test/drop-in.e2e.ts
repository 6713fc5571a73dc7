import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClientDirectory, NO_GATEWAY_RULES, type Client } from '../src/access/client-directory.js';
import { hashKey } from '../src/access/presented-key.js';
import type { Scope } from '../src/access/scope.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { FETCH_PATH, Pair, type Mode } from './support/pair.js';
import { send } from './support/send.js';
import { ADMIN_KEY, APP_ID, APP_SECRET, CLIENT_KEY, startService } from './support/service.js';

/* The endpoints under /cgi-bin: WeChat's words, with a client key in place of the AppSecret. */

interface WechatBody {
  readonly errcode?: number;
  readonly errmsg?: string;
  readonly access_token?: string;
  readonly expires_in?: number;
  readonly ip_list?: string[];
  readonly ticket?: string;
}

const TOKEN = '/cgi-bin/token';
const STABLE = '/cgi-bin/stable_token';
const CALLBACK = '/cgi-bin/getcallbackip';
const API = '/cgi-bin/get_api_domain_ip';
const TICKET = '/cgi-bin/ticket/getticket';
const OTHER_APP_ID = 'wxffffffffffffffff';
const READER_KEY = 'key-of-a-client-that-only-reads';
const POORER_KEY = 'key-of-a-client-with-another-scope';
const OTHERS_KEY = 'key-of-a-client-of-another-account';
const EXPIRED_KEY = 'key-of-a-client-whose-time-is-over';
const TOKEN_OF_NOBODY = `97_${'x'.repeat(133)}`;

let pair: Pair;

async function start(mode: Mode = 'stable', environment = {}): Promise<void> {
  pair = await Pair.start({ mode, environment });
  addClients(pair);
}

function addClients({ service }: Pair): void {
  const client = (id: string, scopes: Scope[], changes: Partial<Client> = {}): Client => ({
    id,
    scopes: new Set(scopes),
    accounts: 'all',
    gateway: NO_GATEWAY_RULES,
    ...changes,
  });
  service.app.get(ClientDirectory).replaceStored(
    new Map([
      [hashKey(READER_KEY), client('reader', ['token:read'])],
      [hashKey(POORER_KEY), client('poorer', ['token:report', 'ip:read'])],
      [
        hashKey(OTHERS_KEY),
        client('others', ['token:read'], { accounts: new Set([OTHER_APP_ID]) }),
      ],
      [hashKey(EXPIRED_KEY), client('expired', ['token:read'], { expiresAtMs: 1 })],
    ]),
  );
}

/** The answer of the service, which is always WeChat-shaped. */
async function ask(method: string, path: string, body?: string, headers = {}): Promise<WechatBody> {
  return shaped(await send(pair.service.url, method, path, { headers, body }));
}

function shaped(answer: { status: number; headers: Headers; text: string }): WechatBody {
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const body = JSON.parse(answer.text) as WechatBody;
  if (body.errcode !== undefined && body.errcode !== 0) {
    expect(Object.keys(body)).toEqual(['errcode', 'errmsg']);
    expect(body.errmsg).toMatch(/ rid: [\w.-]+$/);
  }
  return body;
}

function query(fields: Record<string, string>): string {
  return new URLSearchParams(fields).toString();
}

const GRANT = { grant_type: 'client_credential', appid: APP_ID, secret: CLIENT_KEY };

const getToken = (changes: Record<string, string> = {}): Promise<WechatBody> =>
  ask('GET', `${TOKEN}?${query({ ...GRANT, ...changes })}`);

const postStable = (changes: object = {}): Promise<WechatBody> =>
  ask('POST', STABLE, JSON.stringify({ ...GRANT, ...changes }));

const getList = (token: string, path = CALLBACK): Promise<WechatBody> =>
  ask('GET', `${path}?${query({ access_token: token })}`);

describe('the token endpoints', () => {
  beforeEach(() => start());
  afterEach(() => pair.close());

  it('hand out the token that there is, by either path, and fetch nothing', async () => {
    const token = await pair.token();
    const calls = await pair.wechat.countCalls();
    expect(await getToken()).toEqual({ access_token: token, expires_in: expect.any(Number) });
    expect(await postStable()).toEqual({ access_token: token, expires_in: expect.any(Number) });
    expect(await pair.wechat.countCalls()).toBe(calls);
  });

  it('tell what truly remains of a stable token', async () => {
    await pair.pass(3_000);
    const { expires_in: left } = (await pair.service.read()).body;
    const { expires_in: told } = await postStable();
    expect(left).toBeGreaterThan(4_100);
    expect(Math.abs((told ?? 0) - left)).toBeLessThanOrEqual(1);
  });

  it('take the body whatever its Content-Type says, and fields that they do not know', async () => {
    const body = JSON.stringify({ ...GRANT, unknown: [1] });
    for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
      const headers = { 'content-type': type };
      expect((await ask('POST', STABLE, body, headers)).access_token).toBe(await pair.token());
    }
    expect((await ask('POST', STABLE, body)).access_token).toBe(await pair.token());
  });

  it.each([
    ['the AppID is missing', { appid: '' }, 41002],
    ['the key is missing', { secret: '' }, 41004],
    ['the grant is another', { grant_type: 'authorization_code' }, 40002],
    ['the grant is missing', { grant_type: '' }, 40002],
    ['the key is unknown', { secret: 'no-key-of-ours-at-all' }, 40125],
    ['the key is the AppSecret', { secret: APP_SECRET }, 40125],
    ['the key is the admin’s', { secret: ADMIN_KEY }, 40125],
    ['the key is past its expiry', { secret: EXPIRED_KEY }, 40125],
    ['the scope is missing', { secret: POORER_KEY }, 48001],
    ['there is no such account', { appid: OTHER_APP_ID }, 40013],
    ['the key may not see the account', { secret: OTHERS_KEY }, 40013],
    [
      'the key may see an account that there is not',
      { secret: OTHERS_KEY, appid: OTHER_APP_ID },
      40013,
    ],
    ['the key is unknown, the account too', { secret: 'x', appid: OTHER_APP_ID }, 40125],
  ])('where %s: errcode %#', async (_what, changes, errcode) => {
    expect((await getToken(changes)).errcode).toBe(errcode);
    expect((await postStable(changes)).errcode).toBe(errcode);
  });

  it('do not tell an account that there is not from one that the key may not see', async () => {
    const words = async (changes: Record<string, string>): Promise<string | undefined> =>
      (await getToken(changes)).errmsg?.replace(/ rid: .*/, '');
    expect(await words({ appid: OTHER_APP_ID })).toBe(await words({ secret: OTHERS_KEY }));
  });

  it('of parameters that come twice take the first, as WeChat does', async () => {
    const twice = `${TOKEN}?${query(GRANT)}&secret=other&appid=other`;
    expect((await ask('GET', twice)).access_token).toBe(await pair.token());
  });

  it.each([
    ['empty', '', 44002],
    ['a form', query(GRANT), 41002],
    ['a list', '[1]', 41002],
    ['cut off', '{"grant_type":', 47001],
    ['with a number for the AppID', JSON.stringify({ ...GRANT, appid: 7 }), 47001],
    ['with a word for force_refresh', JSON.stringify({ ...GRANT, force_refresh: 'yes' }), 47001],
    ['with a list for force_refresh', JSON.stringify({ ...GRANT, force_refresh: [] }), 47001],
    ['nested deeply', `{"a":${'['.repeat(8_000)}`, 47001],
    ['over 16 KiB', JSON.stringify({ ...GRANT, x: 'x'.repeat(17_000) }), 45002],
  ])('refuse a body that is %s', async (_what, body, errcode) => {
    for (const headers of [{}, { 'content-type': 'application/json' }]) {
      expect((await ask('POST', STABLE, body, headers)).errcode).toBe(errcode);
    }
  });

  it('say −1 and what to do while there is no token, and ask WeChat no oftener for it', async () => {
    await pair.wechat.fault({
      path: FETCH_PATH.stable,
      kind: 'errcode',
      errcode: 40164,
      times: 'always',
    });
    await pair.wechat.killToken(await pair.token());
    await pair.pass(6);
    await pair.service.report({ access_token: await pair.token() });
    const { errcode, errmsg } = await getToken();
    expect(errcode).toBe(-1);
    expect(errmsg).toMatch(
      /^system error: There is no usable access_token, .* Add 127\.0\.0\.1 to the IP allow list/,
    );
    const fetches = await pair.fetchCount();
    await Promise.all([getToken(), postStable(), postStable({ force_refresh: true })]);
    expect(await pair.fetchCount()).toBe(fetches);
  });
});

describe('of a legacy token', () => {
  beforeEach(() => start('legacy'));
  afterEach(() => pair.close());

  it('is told how long it lives once it is due, and 270 s more', async () => {
    const { next_refresh_at: due } = await pair.service.state();
    const now = Date.now();
    const told = (await getToken()).expires_in ?? 0;
    const expected = (Date.parse(String(due)) - now) / 1_000 + 270;
    expect(expected).toBeLessThan(7_200 - 2_000);
    expect(Math.abs(told - expected)).toBeLessThanOrEqual(2);
  });

  it('is told 270 s or what remains, while its refresh fails past the due time', async () => {
    await pair.wechat.fault({ path: TOKEN, kind: 'errcode', errcode: 45009, times: 'always' });
    await pair.pass(4_800);
    const due = (await getToken()).expires_in ?? 0;
    expect(due).toBeLessThanOrEqual(270);
    expect(due).toBeGreaterThan(260);
    await pair.later(2_250);
    await pair.service.poll();
    const last = (await getToken()).expires_in ?? 0;
    expect(last).toBeLessThanOrEqual(150);
    expect(last).toBeGreaterThan(140);
  });
});

describe('a client that asks again', () => {
  beforeEach(() => start());
  afterEach(() => pair.close());

  it.each([CLIENT_KEY, READER_KEY])('rotates nothing while the token is live', async (secret) => {
    const token = await pair.token();
    for (let turn = 0; turn < 5; turn += 1) {
      expect((await getToken({ secret })).access_token).toBe(token);
      expect((await postStable({ secret, force_refresh: true })).access_token).toBe(token);
      await pair.pass(60);
    }
    expect(await pair.fetchCount()).toBe(1);
  });

  it('twenty at once: one probe for all, and none where none may report', async () => {
    await pair.pass(3_600);
    const calls = await pair.wechat.countCalls();
    await Promise.all(Array.from({ length: 20 }, () => getToken({ secret: READER_KEY })));
    expect(await pair.wechat.countCalls()).toBe(calls);
    const answers = await Promise.all(Array.from({ length: 20 }, () => getToken()));
    expect(new Set(answers.map((answer) => answer.access_token)).size).toBe(1);
    expect([await pair.wechat.countCalls(), await pair.probeCount()]).toEqual([calls + 1, 1]);
  });

  it('with force_refresh and token:report: a dead token is tried and replaced once for all', async () => {
    const dead = await pair.token();
    await pair.wechat.killToken(dead);
    await pair.pass(6);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => postStable({ force_refresh: true })),
    );
    const tokens = new Set(answers.map((answer) => answer.access_token));
    expect(tokens).toEqual(new Set([await pair.token()]));
    expect(tokens.has(dead)).toBe(false);
    expect([await pair.probeCount(), await pair.fetchCount()]).toEqual([1, 2]);
  });

  it('with force_refresh but without token:report: WeChat is not asked', async () => {
    const dead = await pair.token();
    await pair.wechat.killToken(dead);
    const answer = await postStable({ secret: READER_KEY, force_refresh: true });
    expect(answer.access_token).toBe(dead);
    expect(await pair.probeCount()).toBe(0);
  });

  it('for a token that was fetched over 30 s ago: it is tried, once in 30 s, and replaced where it is dead', async () => {
    const dead = (await getToken()).access_token ?? '';
    await pair.wechat.killToken(dead);
    expect((await getToken()).access_token).toBe(dead);
    expect(await pair.probeCount()).toBe(0);
    await pair.pass(31);
    // One that may not report gives no reason to doubt it.
    expect((await getToken({ secret: READER_KEY })).access_token).toBe(dead);
    expect(await pair.probeCount()).toBe(0);
    const [first] = await Promise.all([getToken(), getToken()]);
    expect(first.access_token).not.toBe(dead);
    expect([await pair.probeCount(), await pair.fetchCount()]).toEqual([1, 2]);
    await pair.pass(29);
    await getToken();
    expect(await pair.probeCount()).toBe(1);
    await pair.pass(31);
    for (let turn = 0; turn < 3; turn += 1) {
      await getToken();
      await pair.pass(5);
    }
    expect(await pair.probeCount()).toBe(2);
  });

  it('after a second and a third death too, whatever healed the one before', async () => {
    let dead = (await getToken()).access_token ?? '';
    for (const [turn, seconds] of [31, 35, 31].entries()) {
      await pair.pass(seconds);
      await pair.wechat.killToken(dead);
      const healed = (await (turn === 1 ? postStable({ force_refresh: true }) : getToken()))
        .access_token;
      expect(healed).not.toBe(dead);
      expect(await pair.accepts(healed ?? '')).toBe(true);
      dead = healed ?? '';
    }
    expect(await pair.fetchCount()).toBe(4);
  });

  it('on a replica that never handed it out, such as after a restart: it is tried as well', async () => {
    const database = await createDatabase();
    await pair.close();
    await start('stable', { DATABASE_URL: database.url });
    const dead = (await getToken()).access_token ?? '';
    await pair.pass(31);
    const other = await startService(pair.wechat, { DATABASE_URL: database.url });
    try {
      other.advance(31_000);
      await other.ready();
      await pair.wechat.killToken(dead);
      const { text } = await send(other.url, 'GET', `${TOKEN}?${query(GRANT)}`);
      const { access_token: healed } = JSON.parse(text) as WechatBody;
      expect(healed).not.toBe(dead);
      expect(await pair.accepts(healed ?? '')).toBe(true);
    } finally {
      await other.close();
      await pair.service.close();
      await database.remove();
    }
  });
});

describe('the endpoints that want an access_token', () => {
  let database: TestDatabase | undefined;

  afterEach(async () => {
    await pair.close();
    await database?.remove();
    database = undefined;
  });

  it('answer to whoever holds the current one, from memory', async () => {
    await start();
    const settings = await pair.wechat.settings();
    const token = await pair.token();
    const callback = (await getList(token)).ip_list ?? [];
    expect(new Set(callback)).toEqual(new Set(settings.callbackIpList));
    expect(new Set((await getList(token, API)).ip_list)).toEqual(new Set(settings.apiDomainIpList));
    const calls = await pair.wechat.countCalls();
    expect((await getList(token)).ip_list).toEqual(callback);
    expect(await pair.wechat.countCalls()).toBe(calls);
  });

  it.each(['jsapi', 'wx_card'])('hand out the %s ticket, which is fetched once', async (type) => {
    await start();
    const path = `${TICKET}?${query({ access_token: await pair.token(), type })}`;
    const answers = await Promise.all([ask('GET', path), ask('GET', path)]);
    const tickets = await pair.wechat.tickets(APP_ID);
    const { ticket } = tickets.find((one) => one.type === type) ?? {};
    const told = { errcode: 0, errmsg: 'ok', ticket, expires_in: expect.any(Number) };
    expect(answers).toEqual([told, told]);
    expect(await ask('GET', path)).toEqual(told);
    expect(await pair.wechat.countCalls({ path: TICKET })).toBe(1);
  });

  it('say −1 while there is no ticket', async () => {
    await start();
    await pair.wechat.fault({ path: TICKET, kind: 'errcode', errcode: 45009, times: 'always' });
    const path = `${TICKET}?${query({ access_token: await pair.token(), type: 'jsapi' })}`;
    expect((await ask('GET', path)).errcode).toBe(-1);
  });

  it.each([CALLBACK, API, TICKET])('%s: refuse what is no token of ours', async (path) => {
    await start();
    expect((await ask('GET', path)).errcode).toBe(41001);
    expect((await getList('', path)).errcode).toBe(41001);
    expect((await getList('nonsense', path)).errcode).toBe(40014);
    expect((await getList(CLIENT_KEY, path)).errcode).toBe(40014);
    expect((await getList(TOKEN_OF_NOBODY, path)).errcode).toBe(40001);
  });

  it.each(['', 'nonsense', '2'])('refuse a ticket of type "%s"', async (type) => {
    await start();
    const path = `${TICKET}?${query({ access_token: await pair.token(), type })}`;
    expect((await ask('GET', path)).errcode).toBe(40097);
  });

  it('legacy: the token before goes on for its overlap, on every replica, and no longer', async () => {
    database = await createDatabase();
    await start('legacy', { DATABASE_URL: database.url });
    const other = await startService(pair.wechat, { DATABASE_URL: database.url });
    await other.ready();
    const listOfOther = async (token: string): Promise<WechatBody> =>
      shaped(await send(other.url, 'GET', `${CALLBACK}?access_token=${token}`));
    try {
      const first = await pair.token();
      await pair.later(4_801);
      const second = await pair.token();
      other.advance(4_801_000);
      await other.poll();
      expect(second).not.toBe(first);
      for (const token of [first, second]) {
        expect((await getList(token)).ip_list).not.toEqual([]);
        expect((await listOfOther(token)).ip_list?.length).toBeGreaterThan(0);
      }
      await pair.pass(260);
      expect((await getList(first)).errcode).toBeUndefined();
      await pair.pass(20);
      other.advance(280_000);
      await other.poll();
      expect((await getList(first)).errcode).toBe(42001);
      expect((await listOfOther(first)).errcode).toBe(42001);
      expect((await getList(second)).errcode).toBeUndefined();
      await pair.later(4_801);
      expect((await getList(first)).errcode).toBe(40001);
    } finally {
      await other.close();
    }
  });

  it('refuse a token that WeChat refused, and after its replacement still', async () => {
    await start();
    const dead = await pair.token();
    await pair.wechat.killToken(dead);
    await pair.wechat.fault({ path: STABLE, kind: 'errcode', errcode: 45009 });
    await pair.pass(6);
    await pair.service.report({ access_token: dead });
    expect((await getList(dead)).errcode).toBe(40001);
    await pair.pass(6);
    await pair.service.adminRefresh();
    expect(await pair.token()).not.toBe(dead);
    expect((await getList(dead)).errcode).toBe(40001);
  });

  it('refuse a token that was replaced by force, since it may have leaked', async () => {
    await start();
    const leaked = await pair.token();
    expect((await getList(leaked)).errcode).toBeUndefined();
    await pair.pass(31);
    expect((await pair.service.adminRefresh({ force: true })).status).toBe(200);
    expect((await getList(leaked)).errcode).toBe(40001);
    expect((await getList(await pair.token())).errcode).toBeUndefined();
  });

  it('refuse one that has expired', async () => {
    await start();
    const token = await pair.token();
    await pair.wechat.fault({ path: STABLE, kind: 'errcode', errcode: 45009, times: 'always' });
    await pair.pass(7_200);
    expect((await getList(token)).errcode).toBe(42001);
  });
});

describe('a method or a path that WeChat does not have', () => {
  beforeAll(() => start());
  afterAll(() => pair.close());

  const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE'];

  it.each([TOKEN, CALLBACK, API, TICKET])('%s: 43001 to all but GET', async (path) => {
    for (const method of METHODS) {
      expect((await ask(method, `${path}?${query(GRANT)}`)).errcode).toBe(43001);
    }
    const head = await send(pair.service.url, 'HEAD', `${path}?${query(GRANT)}`);
    expect([head.status, head.text]).toEqual([200, '']);
  });

  it('stable_token: 43002 to all but POST', async () => {
    for (const method of ['GET', ...METHODS.slice(1)]) {
      expect((await ask(method, `${STABLE}?${query(GRANT)}`)).errcode).toBe(43002);
    }
  });

  it.each([
    '/cgi-bin',
    '/cgi-bin/',
    '/cgi-bin/nowhere',
    '/cgi-bin/Token',
    '/cgi-bin/message/custom/send',
    '/cgi%2Dbin/nowhere',
    `/cgi-bin/${'x'.repeat(4_000)}`,
    'http://other.example/cgi-bin/nowhere',
  ])('%.60s: 40066', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      const body = method === 'POST' ? '{' : undefined;
      expect((await ask(method, path, body)).errcode).toBe(40066);
    }
  });

  it('with a token of WeChat that is no handle: 40001', async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const path = '/cgi-bin/message/custom/send?access_token=x';
      expect((await ask(method, path)).errcode).toBe(40001);
    }
  });

  it.each(['/cgi-bin/%zz', '/cgi-bin/token%e0%a4%a', '/cgi-bin/%c3%28?secret=x'])(
    '%s: 47001',
    async (path) => {
      expect((await ask('GET', path)).errcode).toBe(47001);
    },
  );

  it.each(['/cgi-binary', '/v1/cgi-bin/token', '/CGI-BIN/token'])(
    '%s is none of it: a problem',
    async (path) => {
      const answer = await send(pair.service.url, 'GET', path);
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    },
  );

  it('a body that is shorter than announced, or no length: still in WeChat’s words', async () => {
    const headers = { 'transfer-encoding': 'chunked' };
    expect((await ask('POST', STABLE, 'x'.repeat(17_000), headers)).errcode).toBe(45002);
    expect((await ask('POST', STABLE, JSON.stringify(GRANT), headers)).access_token).toBe(
      await pair.token(),
    );
  });
});

describe('what WeChat would say', () => {
  beforeAll(() => start());
  afterAll(() => pair.close());

  const stable = (changes: object): [string, string, string] => [
    'POST',
    STABLE,
    JSON.stringify({ ...GRANT, ...changes }),
  ];
  const legacy = (changes: Record<string, string>): [string, string] => [
    'GET',
    `${TOKEN}?${query({ ...GRANT, ...changes })}`,
  ];

  const calls: [method: string, path: string, body?: string][] = [
    legacy({ appid: '' }),
    legacy({ appid: OTHER_APP_ID }),
    legacy({ grant_type: '' }),
    legacy({ grant_type: 'x' }),
    legacy({ secret: '' }),
    legacy({ secret: 'x' }),
    ['POST', `${TOKEN}?${query(GRANT)}`],
    ['GET', `${STABLE}?${query(GRANT)}`],
    ['POST', STABLE],
    ['POST', STABLE, query(GRANT)],
    ['POST', STABLE, '{'],
    ['POST', STABLE, '[]'],
    stable({ appid: '' }),
    stable({ appid: 7 }),
    stable({ appid: OTHER_APP_ID }),
    stable({ grant_type: 'x' }),
    stable({ secret: '' }),
    stable({ secret: 'x' }),
    stable({ force_refresh: 'yes' }),
    ['GET', CALLBACK],
    ['GET', `${CALLBACK}?access_token=x`],
    ['GET', `${API}?access_token=${TOKEN_OF_NOBODY}`],
    ['POST', `${API}?access_token=${TOKEN_OF_NOBODY}`],
    ['GET', `${TICKET}?type=jsapi`],
    ['POST', TICKET],
    ['GET', '/cgi-bin/nowhere'],
  ];

  it.each(calls.map(([method, path, body]) => ({ method, path, body })))(
    'is the errcode of $method $path $body',
    async ({ method, path, body }) => {
      // To WeChat itself goes the AppSecret where to us goes the key.
      const toWechat = (text: string): string => text.replaceAll(CLIENT_KEY, APP_SECRET);
      const theirs = await send(pair.wechat.url, method, toWechat(path), {
        body: body === undefined ? undefined : toWechat(body),
      });
      const { errcode } = JSON.parse(theirs.text) as WechatBody;
      expect(errcode).toBeLessThan(100_000);
      expect((await ask(method, path, body)).errcode).toBe(errcode);
    },
  );
});

describe('anything at all', () => {
  beforeAll(() => start());
  afterAll(() => pair.close());

  const key = fc.oneof(
    fc.constantFrom(CLIENT_KEY, READER_KEY, POORER_KEY, OTHERS_KEY, EXPIRED_KEY, ADMIN_KEY, ''),
    fc.string(),
  );
  const appId = fc.oneof(fc.constantFrom(APP_ID, OTHER_APP_ID, '', '__proto__'), fc.string());
  const grant = fc.oneof(fc.constant('client_credential'), fc.string());
  const fields = fc.record({ grant_type: grant, appid: appId, secret: key }, { requiredKeys: [] });
  const mayRead = new Set([CLIENT_KEY, READER_KEY]);
  const hasRight = (sent: object): boolean =>
    'secret' in sent &&
    mayRead.has(String(sent.secret)) &&
    'appid' in sent &&
    sent.appid === APP_ID &&
    'grant_type' in sent &&
    sent.grant_type === 'client_credential';

  it('sent by query: 200, WeChat-shaped, and a token only to who may have it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fields,
        fc.constantFrom('GET', 'GET', 'GET', 'POST', 'HEAD', 'DELETE'),
        async (sent, method) => {
          const path = `${TOKEN}?${query(sent)}`;
          if (method === 'HEAD') {
            expect((await send(pair.service.url, method, path)).status).toBe(200);
            return;
          }
          const body = await ask(method, path);
          expect('access_token' in body).toBe(method === 'GET' && hasRight(sent));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('sent by body: 200, WeChat-shaped, and a token only to who may have it', async () => {
    const object = fc.oneof(
      fields,
      fc
        .tuple(fields, fc.dictionary(fc.string(), fc.jsonValue()))
        .map(([a, b]) => ({ ...b, ...a })),
      fc.dictionary(
        fc.constantFrom('grant_type', 'appid', 'secret', 'force_refresh'),
        fc.jsonValue(),
      ),
    );
    const type = fc.constantFrom('application/json', 'text/plain', 'text/xml', undefined);
    await fc.assert(
      fc.asyncProperty(object, type, async (sent, contentType) => {
        const headers = contentType === undefined ? {} : { 'content-type': contentType };
        const body = await ask('POST', STABLE, JSON.stringify(sent), headers);
        const flag = 'force_refresh' in sent ? sent.force_refresh : false;
        const flags: unknown[] = [true, 'true', 1, '1', false, 'false', 0, '0', '', null];
        const isFlag = flags.includes(typeof flag === 'string' ? flag.trim().toLowerCase() : flag);
        expect('access_token' in body).toBe(isFlag && hasRight(sent));
      }),
      { numRuns: 300 },
    );
  });

  it('as path, query and body: 200 and WeChat-shaped', async () => {
    const path = fc.oneof(
      fc.constantFrom('token', 'stable_token', 'getcallbackip', 'ticket/getticket'),
      fc.stringMatching(/^[!-"$->@-~]{0,30}$/),
    );
    const search = fc.oneof(
      fc.stringMatching(/^[!-"$-~]{0,40}$/),
      fc.string().map((token) => query({ access_token: token })),
    );
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS');
    const body = fc.oneof(fc.json(), fc.string({ unit: 'binary' }));
    await fc.assert(
      fc.asyncProperty(path, search, method, body, async (name, asked, how, text) => {
        const sent = how === 'GET' ? undefined : text;
        const answer = await ask(how, `/cgi-bin/${name}?${asked}`, sent);
        expect(answer.access_token).toBeUndefined();
        expect(answer.errcode).not.toBe(undefined);
      }),
      { numRuns: 300 },
    );
  });
});

describe('without DROP_IN_ENABLED', () => {
  beforeAll(() => start('stable', { DROP_IN_ENABLED: 'false' }));
  afterAll(() => pair.close());

  it.each([
    ['GET', `${TOKEN}?${query(GRANT)}`],
    ['POST', STABLE],
    ['GET', STABLE],
    ['GET', '/cgi-bin/nowhere'],
    ['OPTIONS', TOKEN],
  ])('%s %.40s is like any path that there is not', async (method, path) => {
    const answer = await send(pair.service.url, method, path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'not_found' });
  });

  it('the OpenAPI document does not have them', async () => {
    const { text } = await send(pair.service.url, 'GET', '/openapi.json');
    expect(text).not.toContain('cgi-bin/stable_token');
  });
});
