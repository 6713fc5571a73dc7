import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { CallCounter } from '../src/audit/call-counter.js';
import { admin, CLIENTS, makeClient, makeKey } from './support/clients.js';
import { Pair } from './support/pair.js';
import { send, type RawAnswer } from './support/send.js';
import {
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  ENCRYPTION_KEY,
  startService,
  type Service,
} from './support/service.js';
import type { Environment } from '../src/config/environment.js';
import { createDatabase } from './support/database.js';

/* Calls through the gateway, by key and by handle: who may make which, and what arrives at WeChat. */

const SEND = '/cgi-bin/message/custom/send';
/** Any call that the simulator knows nothing of: it takes what comes. */
const UPLOAD = '/cgi-bin/freepublish/submit';
const MESSAGE = JSON.stringify({ touser: 'o', msgtype: 'text', text: { content: '你好' } });

let pair: Pair;
let key: string;

/** A client that may send messages through the gateway and not see the token. */
async function gatewayClient(
  fields: Parameters<typeof makeClient>[1] & { gateway?: object } = {},
): Promise<string> {
  const client = await makeClient(pair.service, {
    id: 'publisher',
    scopes: ['gateway'],
    ...{ gateway: { allow: [`POST ${SEND}`, `POST ${UPLOAD}`] } },
    ...fields,
  });
  return client.key;
}

function byKey(
  path: string,
  { body = MESSAGE, by = key, method = 'POST' } = {},
): Promise<RawAnswer> {
  return send(pair.service.url, method, `/v1/accounts/${APP_ID}/gateway${path}`, {
    headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json' },
    body,
  });
}

async function handleOf(secret = key, service = pair.service): Promise<string> {
  const query = `grant_type=client_credential&appid=${APP_ID}&secret=${secret}`;
  const { text } = await send(service.url, 'GET', `/cgi-bin/token?${query}`);
  return (JSON.parse(text) as { access_token: string }).access_token;
}

function byHandle(
  path: string,
  handle: string,
  body = MESSAGE,
  service = pair.service,
): Promise<RawAnswer> {
  const separator = path.includes('?') ? '&' : '?';
  return send(service.url, 'POST', `${path}${separator}access_token=${handle}`, { body });
}

function errcodeOf({ text }: RawAnswer): unknown {
  return (JSON.parse(text) as { errcode: unknown }).errcode;
}

beforeEach(async () => {
  pair = await Pair.start({ mode: 'legacy' });
  key = await gatewayClient();
});
afterEach(() => pair.close());

describe('a call by key', () => {
  it('arrives at WeChat with the token, and its answer comes back', async () => {
    const answer = await byKey(SEND);
    expect(answer.status).toBe(200);
    expect(errcodeOf(answer)).toBe(0);
    expect(answer.headers.get('token-version')).toBe('1');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('application/json; encoding=utf-8');
    expect(await pair.wechat.countCalls({ path: SEND })).toBe(1);
  });

  it('needs a rule: without one nothing is called, and the answer names it', async () => {
    const answer = await byKey('/cgi-bin/user/info', { method: 'GET' });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      403,
      expect.objectContaining({
        code: 'gateway_refused',
        detail: expect.stringContaining('"GET /cgi-bin/user/info"'),
      }),
    ]);
    expect(await pair.wechat.countCalls({ path: '/cgi-bin/user/info' })).toBe(0);
  });

  it('needs the scope and the account', async () => {
    const reader = await makeClient(pair.service, { id: 'reader' });
    expect((await byKey(SEND, { by: reader.key })).status).toBe(403);
    const other = await gatewayClient({ id: 'other', accounts: ['wxffffffffffffffff'] });
    expect((await byKey(SEND, { by: other })).status).toBe(403);
    expect((await byKey(SEND, { by: 'wtc_unknown' })).status).toBe(401);
    expect(await pair.wechat.countCalls({ path: SEND })).toBe(0);
  });

  it.each([
    '/cgi-bin/token',
    '/cgi-bin/stable_token',
    '/cgi-bin/clear_quota',
    '/cgi-bin/ticket/getticket',
  ])('never reaches %s, whatever the rules say', async (path) => {
    const all = await gatewayClient({ id: 'all', gateway: { allow: ['* /*'] } });
    const before = await pair.wechat.lastSeq();
    const answer = await byKey(path, { by: all });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      403,
      expect.objectContaining({ code: 'gateway_refused' }),
    ]);
    expect(await pair.wechat.countCalls({ since: before })).toBe(0);
  });

  it('past the limit of its client is 429, and costs nothing at WeChat', async () => {
    const slow = await gatewayClient({
      id: 'slow',
      gateway: { allow: [`POST ${SEND}`], per_minute: 2 },
    });
    const statuses = [];
    for (let call = 0; call < 3; call += 1) {
      statuses.push(await byKey(SEND, { by: slow }));
    }
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(statuses[2]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await pair.wechat.countCalls({ path: SEND })).toBe(2);
    expect((await byKey(SEND)).status).toBe(200);
  });

  it('of an account that is switched off is refused', async () => {
    await admin(pair.service, 'PATCH', `/v1/admin/accounts/${APP_ID}`, { enabled: false });
    const answer = await byKey(SEND);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      403,
      expect.objectContaining({ detail: expect.stringContaining('switched off') }),
    ]);
  });
});

describe('a token that dies', () => {
  it('is replaced, and the call repeated once', async () => {
    await byKey(SEND);
    await pair.pass(60);
    await pair.wechat.killToken(await pair.token());
    const answer = await byKey(SEND);
    expect([answer.status, errcodeOf(answer), answer.headers.get('token-version')]).toEqual([
      200,
      0,
      '2',
    ]);
    expect(await pair.wechat.countCalls({ path: SEND })).toBe(3);
    expect(await pair.fetchCount()).toBe(2);
  });

  it('is replaced once for a thousand calls, each sent twice at most', async () => {
    await admin(pair.service, 'PATCH', `${CLIENTS}/publisher`, {
      gateway: { allow: [`POST ${SEND}`], per_minute: 10_000 },
    });
    await pair.pass(60);
    await pair.wechat.killToken(await pair.token());
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => byKey(SEND)));
    expect(answers.filter((answer) => errcodeOf(answer) !== 0)).toEqual([]);
    expect(await pair.fetchCount()).toBe(2);
    expect(await pair.wechat.countCalls({ path: SEND })).toBeLessThanOrEqual(2_000);
  });

  it('of a large body leaves the repeat to the caller, and says that it can', async () => {
    await pair.pass(60);
    await pair.wechat.killToken(await pair.token());
    const body = JSON.stringify({ filler: 'x'.repeat(1024 * 1024) });
    const first = await byKey(UPLOAD, { body });
    expect([errcodeOf(first), first.headers.get('token-refreshed')]).toEqual([40001, 'true']);
    const second = await byKey(UPLOAD, { body });
    expect([errcodeOf(second), second.headers.get('token-refreshed')]).toEqual([0, null]);
  });

  it('that WeChat accepts after all is not replaced, and its answer comes back as it is', async () => {
    await pair.wechat.fault({ path: SEND, kind: 'errcode', errcode: 40001 });
    expect(errcodeOf(await byKey(SEND))).toBe(40001);
    expect(await pair.fetchCount()).toBe(1);
    expect(await pair.wechat.countCalls({ path: SEND })).toBe(1);
  });

  it('no other errcode has a call repeated', async () => {
    await pair.wechat.fault({ path: SEND, kind: 'errcode', errcode: 40164 });
    expect(errcodeOf(await byKey(SEND))).toBe(40164);
    expect(await pair.wechat.countCalls({ path: SEND })).toBe(1);
  });
});

it('a path whose quota is used up is answered in the words of WeChat for a minute', async () => {
  await pair.wechat.fault({ path: SEND, kind: 'errcode', errcode: 45009 });
  const first = await byKey(SEND);
  const second = await byKey(SEND);
  expect([errcodeOf(first), second.text]).toEqual([45009, first.text]);
  expect(await pair.wechat.countCalls({ path: SEND })).toBe(1);
  await pair.pass(61);
  expect(errcodeOf(await byKey(SEND))).toBe(0);
});

describe('a call by handle', () => {
  it('needs nothing but the handle that stands where the token would', async () => {
    const handle = await handleOf();
    expect(handle).toMatch(/^wtch_[\w-]{1,251}$/);
    const answer = await byHandle(SEND, handle);
    expect([answer.status, errcodeOf(answer)]).toEqual([200, 0]);
    expect(errcodeOf(await byHandle(`/${SEND}/`, handle))).toBe(0);
  });

  it('that no rule allows is 85107 and names the rule, in the shape of WeChat', async () => {
    const answer = await byHandle('/wxa/msg_sec_check', await handleOf());
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      { errcode: 85107, errmsg: expect.stringContaining('"POST /wxa/msg_sec_check"') },
    ]);
  });

  it('ends with the key, the scope or the account', async () => {
    const handle = await handleOf();
    const update = (fields: object): Promise<unknown> =>
      admin(pair.service, 'PATCH', `${CLIENTS}/publisher`, fields);
    await update({ accounts: ['wxffffffffffffffff'] });
    expect(errcodeOf(await byHandle(SEND, handle))).toBe(40001);
    await update({ accounts: 'all', scopes: ['ip:read'] });
    expect(errcodeOf(await byHandle(SEND, handle))).toBe(40001);
    await update({ scopes: ['gateway'] });
    expect(errcodeOf(await byHandle(SEND, handle))).toBe(0);
    await admin(pair.service, 'DELETE', `${CLIENTS}/publisher`);
    expect(errcodeOf(await byHandle(SEND, handle))).toBe(40001);
  });

  it('ends with its own key alone: one of another key goes on', async () => {
    const other = await makeKey(pair.service, 'publisher');
    const [first, second] = [await handleOf(), await handleOf(other.key)];
    await admin(pair.service, 'DELETE', `${CLIENTS}/publisher/keys/${other.id}`);
    expect(errcodeOf(await byHandle(SEND, first))).toBe(0);
    expect(errcodeOf(await byHandle(SEND, second))).toBe(40001);
  });

  it('ends after its two hours', async () => {
    const handle = await handleOf();
    await pair.later(7_200);
    expect(errcodeOf(await byHandle(SEND, handle))).toBe(0);
    await pair.later(301);
    expect(errcodeOf(await byHandle(SEND, handle))).toBe(40001);
  });

  it.each(['84_a-token-of-wechat', 'wtch_', `wtch_${'A'.repeat(95)}`])(
    'is not made with %s',
    async (handle) => {
      expect(errcodeOf(await byHandle(SEND, handle))).toBe(40001);
      expect(await pair.wechat.countCalls({ path: SEND })).toBe(0);
    },
  );

  it('is not made with a token of WeChat, though it is live', async () => {
    expect(errcodeOf(await byHandle(SEND, await pair.token()))).toBe(40001);
    expect(await pair.wechat.countCalls({ path: SEND })).toBe(0);
  });

  it('may ask for what the service has in memory with the scope for it', async () => {
    const handle = await handleOf();
    const path = `/cgi-bin/getcallbackip?access_token=${handle}`;
    const refused = await send(pair.service.url, 'GET', path);
    expect(errcodeOf(refused)).toBe(48001);
    await admin(pair.service, 'PATCH', `${CLIENTS}/publisher`, { scopes: ['gateway', 'ip:read'] });
    const { text } = await send(pair.service.url, 'GET', path);
    expect(JSON.parse(text)).toHaveProperty('ip_list');
  });

  it('never carries the handle to WeChat under /sns/, where a token is a user’s', async () => {
    const all = await gatewayClient({ id: 'all', gateway: { allow: ['* /*'] } });
    const before = await pair.wechat.lastSeq();
    expect(errcodeOf(await byHandle('/sns/userinfo', await handleOf(all)))).toBe(40001);
    expect(await pair.wechat.countCalls({ since: before })).toBe(0);
  });
});

it('a client with token:read gets the token itself, and one without either scope nothing', async () => {
  const reader = await makeClient(pair.service, {
    id: 'both',
    scopes: ['gateway', 'token:read'],
  });
  expect(await handleOf(reader.key)).toBe(await pair.token());
  const other = await makeClient(pair.service, { id: 'neither', scopes: ['ip:read'] });
  const query = `grant_type=client_credential&appid=${APP_ID}&secret=${other.key}`;
  const { text } = await send(pair.service.url, 'GET', `/cgi-bin/token?${query}`);
  expect(JSON.parse(text)).toMatchObject({ errcode: 48001 });
});

it('what was called stands in the audit, by the minute, with rule and outcome', async () => {
  await byKey(SEND);
  await byKey(SEND);
  await byKey('/cgi-bin/user/info');
  await pair.service.app.get(CallCounter).flush();
  const { body } = await admin<{ items: Record<string, unknown>[] }>(
    pair.service,
    'GET',
    '/v1/admin/audit?action=gateway.call',
  );
  const calls = body.items.map(({ actor, target, outcome, count }) => ({
    ...{ actor, target, outcome, count },
  }));
  expect(calls).toEqual(
    expect.arrayContaining([
      { actor: 'publisher', target: `POST ${SEND}`, outcome: 'ok', count: 2 },
      {
        actor: 'publisher',
        target: 'POST /cgi-bin/user/info',
        outcome: 'refused:gateway_refused',
        count: 1,
      },
    ]),
  );
});

it('a handle is good on every replica, also after the encryption key was changed', async () => {
  const database = await createDatabase();
  const start = (changes: Environment): Promise<Service> =>
    startService(pair.wechat, { DATABASE_URL: database.url, ...changes });
  const next = randomBytes(32).toString('base64');
  const first = await start({ ENCRYPTION_PREVIOUS_KEYS: next });
  const second = await start({ ENCRYPTION_KEY: next, ENCRYPTION_PREVIOUS_KEYS: ENCRYPTION_KEY });
  try {
    await first.ready();
    await second.ready();
    const client = await makeClient(first, {
      scopes: ['gateway'],
      gateway: { allow: [`POST ${SEND}`] },
    });
    await second.poll();
    const handle = await handleOf(client.key, first);
    expect(errcodeOf(await byHandle(SEND, handle, MESSAGE, second))).toBe(0);
    const altered = `${handle.slice(0, -1)}${handle.endsWith('A') ? 'E' : 'A'}`;
    expect(errcodeOf(await byHandle(SEND, altered, MESSAGE, second))).toBe(40001);
  } finally {
    await second.close();
    await first.close();
    await database.remove();
  }
});

it('switched off, its paths are paths that do not exist', async () => {
  const service: Service = await startService(pair.wechat, { GATEWAY_ENABLED: 'false' });
  try {
    const path = `/v1/accounts/${APP_ID}/gateway${SEND}`;
    const answer = await service.call<{ code: string }>('POST', path, {
      key: CLIENT_KEY,
      body: {},
    });
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    expect(errcodeOf(await send(service.url, 'POST', `${SEND}?access_token=wtch_x`))).toBe(40066);
  } finally {
    await service.close();
  }
});

it('a caller who goes away ends the call', async () => {
  await pair.wechat.fault({ path: SEND, kind: 'hang' });
  const { hostname, port } = new URL(pair.service.url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.write(
    `POST /v1/accounts/${APP_ID}/gateway${SEND} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${key}\r\nContent-Length: 2\r\n\r\n{}`,
  );
  await pair.wechat.untilCalls({ path: SEND });
  socket.destroy();
  const [entry] = await pair.wechat.untilCalls({ path: SEND, outcome: 'client_left' });
  expect(entry?.path).toBe(SEND);
  expect(pair.service.logged).not.toContain('"level":"error"');
});

it('no secret of WeChat or of a client is logged', async () => {
  const handle = await handleOf();
  await byHandle(SEND, handle);
  await byHandle('/wxa/msg_sec_check', handle);
  await byKey(SEND);
  const token = await pair.token();
  for (const secret of [key, handle, token, APP_SECRET]) {
    expect(pair.service.logged).not.toContain(secret);
  }
});
