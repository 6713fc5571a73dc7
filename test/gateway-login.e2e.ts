import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { CallCounter } from '../src/audit/call-counter.js';
import { admin, makeClient } from './support/clients.js';
import { Pair } from './support/pair.js';
import { send, type RawAnswer } from './support/send.js';
import { ADMIN_KEY, APP_ID, APP_SECRET, CLIENT_KEY } from './support/service.js';

/* WeChat's two logins that take the AppSecret, with the AppSecret put in here: by key, and on WeChat's own paths. */

const SESSION = '/sns/jscode2session';
const USER = '/sns/oauth2/access_token';
const CODE: Readonly<Record<string, string>> = { [SESSION]: 'js_code', [USER]: 'code' };

let pair: Pair;
let key: string;

beforeEach(async () => {
  pair = await Pair.start();
  ({ key } = await makeClient(pair.service, { id: 'shop', scopes: ['login'] }));
});
afterEach(() => pair.close());

function queryOf(path: string, code: string, secret: string): string {
  return `appid=${APP_ID}&secret=${secret}&${CODE[path]}=${code}&grant_type=authorization_code`;
}

function byKey(path: string, query: string, method = 'GET'): Promise<RawAnswer> {
  return send(pair.service.url, method, `/v1/accounts/${APP_ID}/gateway${path}?${query}`, {
    headers: { authorization: `Bearer ${key}` },
  });
}

function dropIn(path: string, query: string, method = 'GET'): Promise<RawAnswer> {
  return send(pair.service.url, method, `${path}?${query}`);
}

function bodyOf({ text }: RawAnswer): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}

describe.each([SESSION, USER])('%s', (path) => {
  it('by key: the AppSecret is put in, and the answer of WeChat comes back', async () => {
    const answer = await byKey(path, queryOf(path, 'code-1', '-'));
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(bodyOf(answer)).toHaveProperty(path === SESSION ? 'session_key' : 'access_token');
    const [entry] = await pair.wechat.journal({ path });
    const tag = createHash('sha256').update(APP_SECRET).digest('hex').slice(0, 12);
    expect(entry?.rawQuery).toBe(
      `appid=${APP_ID}&secret=[${tag}]&${CODE[path]}=code-1&grant_type=authorization_code`,
    );
  });

  it('on its own path: with the client key in the place of the AppSecret', async () => {
    const answer = await dropIn(path, queryOf(path, 'code-1', key));
    expect(bodyOf(answer)).toHaveProperty('openid');
    expect(bodyOf(await dropIn(`/${path}/`, queryOf(path, 'code-2', key)))).toHaveProperty(
      'openid',
    );
  });

  it('is sent each time: a code that was used is WeChat’s to refuse', async () => {
    await byKey(path, queryOf(path, 'code-1', '-'));
    expect(bodyOf(await byKey(path, queryOf(path, 'code-1', '-'))).errcode).toBe(40163);
    expect(await pair.wechat.countCalls({ path })).toBe(2);
  });

  it('is not repeated when the connection breaks', async () => {
    await pair.wechat.fault({ path, kind: 'reset_before' });
    const answer = await byKey(path, queryOf(path, 'code-1', '-'));
    expect([answer.status, bodyOf(answer).sent]).toEqual([502, true]);
    expect(await pair.wechat.countCalls({ path })).toBe(1);
  });

  it.each([
    ['another account', (query: string) => query.replace(APP_ID, 'wxffffffffffffffff')],
    ['appid twice', (query: string) => `${query}&appid=${APP_ID}`],
    ['secret twice', (query: string) => `${query}&s%65cret=other`],
    ['the code twice', (query: string) => `${query}&${CODE[path]}=other`],
    ['any parameter twice', (query: string) => `${query}&x=1&x=2`],
    ['no secret', (query: string) => query.replace('&secret=-', '')],
    ['an empty secret', (query: string) => query.replace('secret=-', 'secret=')],
  ])('by key with %s: 400, and nothing is sent', async (_what, change) => {
    const answer = await byKey(path, change(queryOf(path, 'code-1', '-')));
    expect([answer.status, bodyOf(answer).code]).toEqual([400, 'validation_failed']);
    expect(await pair.wechat.countCalls({ path })).toBe(0);
  });

  it('on its own path: errors have the shape of WeChat', async () => {
    const query = queryOf(path, 'code-1', key);
    const errcode = async (changed: string, method = 'GET'): Promise<unknown> =>
      bodyOf(await dropIn(path, changed, method)).errcode;
    const reader = await makeClient(pair.service, { scopes: ['gateway', 'token:read'] });
    expect(await errcode(`${query}&x=1&x=2`)).toBe(47001);
    expect(await errcode(query.replace(key, 'wtc_unknown'))).toBe(40125);
    expect(await errcode(query.replace(key, ADMIN_KEY))).toBe(40125);
    expect(await errcode(query.replace(`&secret=${key}`, ''))).toBe(41004);
    expect(await errcode(query.replace(key, reader.key))).toBe(48001);
    expect(await errcode(query.replace(`appid=${APP_ID}&`, ''))).toBe(41002);
    expect(await errcode(query, 'POST')).toBe(43001);
    expect(await pair.wechat.countCalls({ path })).toBe(0);
  });

  it('by key: GET alone, so that a code is not spent on an answer that nobody gets', async () => {
    const answer = await byKey(path, queryOf(path, 'code-1', '-'), 'HEAD');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
    expect(await pair.wechat.countCalls({ path })).toBe(0);
  });

  it('is not a gateway call: no rule and no other method allow it', async () => {
    const gateway = { allow: ['* /*'] };
    const all = await makeClient(pair.service, { scopes: ['gateway', 'login'], gateway });
    ({ key } = all);
    const answer = await byKey(path, queryOf(path, 'code-1', '-'), 'POST');
    expect([answer.status, bodyOf(answer).code]).toEqual([403, 'gateway_refused']);
    expect(await pair.wechat.countCalls({ path })).toBe(0);
  });

  it('of an account that is switched off is refused', async () => {
    await admin(pair.service, 'PATCH', `/v1/admin/accounts/${APP_ID}`, { enabled: false });
    expect((await byKey(path, queryOf(path, 'code-1', '-'))).status).toBe(403);
    expect(bodyOf(await dropIn(path, queryOf(path, 'code-1', key))).errcode).toBe(40013);
    expect(await pair.wechat.countCalls({ path })).toBe(0);
  });
});

it('leaves no secret in logs, audit and metrics', async () => {
  const secrets = [APP_SECRET, key, 'canary-code-1', 'canary-code-2'];
  for (const [path, code] of [
    [SESSION, 'canary-code-1'],
    [USER, 'canary-code-2'],
  ] as const) {
    const body = bodyOf(await byKey(path, queryOf(path, code, '-')));
    const { session_key, access_token, refresh_token } = body;
    secrets.push(
      ...[session_key, access_token, refresh_token].filter((value) => typeof value === 'string'),
    );
    await byKey(path, `${queryOf(path, code, '-')}&x=1&x=2`);
    await dropIn(path, queryOf(path, code, key));
  }
  expect(secrets).toHaveLength(7);
  await pair.service.app.get(CallCounter).flush();
  const audit = await admin(pair.service, 'GET', '/v1/admin/audit?limit=200');
  const metrics = await pair.service.call('GET', '/metrics', { key: CLIENT_KEY });
  const seen = [pair.service.logged, JSON.stringify(audit.body), String(metrics.body)].join('\n');
  expect(seen).toContain(SESSION);
  expect(secrets.filter((secret) => seen.includes(secret))).toEqual([]);
});
