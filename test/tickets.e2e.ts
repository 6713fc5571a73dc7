import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { ReadCounter } from '../src/audit/read-counter.js';
import { RefreshService } from '../src/wechat/credentials/refresh.service.js';
import { TicketDemandScheduler } from '../src/wechat/tickets/ticket-demand.scheduler.js';
import { TicketService } from '../src/wechat/tickets/ticket.service.js';
import { makeClient } from './support/clients.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Pair } from './support/pair.js';
import {
  ADMIN_KEY,
  APP_ID,
  CLIENT_KEY,
  startService,
  type Answer,
  type ProblemBody,
  type Service,
} from './support/service.js';
import type { JournalEntry, NewFault } from './support/simulator.js';

interface TicketBody extends ProblemBody {
  readonly app_id: string;
  readonly type: string;
  readonly ticket: string;
  readonly expires_in: number;
  readonly expires_at: string;
  readonly version: number;
  readonly cache_for: number;
}

const TICKET_PATH = '/cgi-bin/ticket/getticket';
const TOKEN_PATH = '/cgi-bin/stable_token';
const MINUTE = 60;
const HOUR = 3_600;
/** A third of the two hours that WeChat gives a ticket. */
const THIRD = 40 * MINUTE;

const path = (type: string, appId = APP_ID): string => `/v1/accounts/${appId}/tickets/${type}`;

/** Reads a ticket. Who waits has it once it is stored, a moment before the refresh has ended. */
async function ticket(
  service: Service,
  { type = 'jsapi', query = '', headers = {} } = {},
): Promise<Answer<TicketBody>> {
  const url = `${path(type)}${query}`;
  const answer = await service.call<TicketBody>('GET', url, { key: CLIENT_KEY, headers });
  await service.app.get(RefreshService).settled();
  return answer;
}

/** What follows `/tickets` → status and code. */
const REFUSED: Readonly<Record<string, readonly [number, string]>> = {
  '/2': [404, 'not_found'],
  '/JSAPI': [404, 'not_found'],
  '/constructor': [404, 'not_found'],
  '': [404, 'not_found'],
  '/jsapi?wait=-1': [400, 'validation_failed'],
  '/jsapi?wait=61': [400, 'validation_failed'],
  '/jsapi?wait=soon': [400, 'validation_failed'],
  '/jsapi?wait=1&wait=2': [400, 'validation_failed'],
};

const always = (errcode: number, onPath = TICKET_PATH): NewFault => ({
  kind: 'errcode',
  path: onPath,
  errcode,
  times: 'always',
});

/** What @Cron does once a minute. */
const exchange = (service: Service): Promise<void> => service.app.get(TicketDemandScheduler).tick();

let database: TestDatabase;
let pair: Pair;
let service: Service;
let services: Service[];

beforeEach(async () => {
  database = await createDatabase();
  pair = await Pair.start({ environment: { DATABASE_URL: database.url } });
  service = pair.service;
  services = [service];
  service.stopCron();
});
afterEach(async () => {
  await Promise.all(services.map((started) => started.close()));
  await pair.close();
  await database.remove();
});

const calls = (): Promise<JournalEntry[]> => pair.wechat.journal({ path: TICKET_PATH });
const callCount = (): Promise<number> => pair.wechat.countCalls({ path: TICKET_PATH });

/** Another process on the same database, its clock where the first one's is. */
async function another(seconds = 0): Promise<Service> {
  const started = await startService(pair.wechat, { DATABASE_URL: database.url });
  services.push(started);
  started.advance(seconds * 1_000);
  await started.ready();
  started.stopCron();
  await exchange(started);
  return started;
}

async function restart(seconds = 0): Promise<Service> {
  await service.close();
  return another(seconds);
}

/**
 * Somebody asked WeChat for the ticket long ago: it ends within a third of the 7,200 s that WeChat goes on
 * telling of it.
 */
async function ticketIsOld(): Promise<void> {
  await pair.wechat.changeSettings({ ticketLifetimeSeconds: 1_000 });
  const query = `access_token=${await pair.token()}&type=jsapi`;
  expect((await fetch(`${pair.wechat.url}${TICKET_PATH}?${query}`)).status).toBe(200);
  await pair.wechat.changeSettings({ ticketLifetimeSeconds: 7_200 });
  await pair.wechat.clearJournal();
}

/** The second look is for what had to wait for the token. */
async function hourLater(): Promise<void> {
  await pair.later(HOUR);
  await service.tick();
}

async function laterAll(seconds: number, replicas: Service[]): Promise<void> {
  await pair.wechat.advance(seconds * 1_000);
  for (const replica of replicas) {
    replica.advance(seconds * 1_000);
  }
  for (const replica of replicas) {
    await replica.poll();
    await exchange(replica);
    await replica.tick();
  }
}

describe('a ticket', () => {
  it('is fetched at first need, and answered as the token is', async () => {
    expect(await callCount()).toBe(0);

    const { status, headers, body } = await ticket(service);

    const [minted] = await pair.wechat.tickets(APP_ID);
    expect(status).toBe(200);
    expect(body).toEqual({
      app_id: APP_ID,
      type: 'jsapi',
      ticket: minted?.ticket,
      expires_in: expect.any(Number),
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      version: 1,
      cache_for: 60,
    });
    expect(body.expires_in).toBeGreaterThan(7_190);
    expect(body.expires_in).toBeLessThanOrEqual(7_200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(await callCount()).toBe(1);
  });

  it('is served from memory afterwards, without the database', async () => {
    const first = await ticket(service);
    await service.app.get(DataSource).query('DROP TABLE wtc_ticket_demand');
    await service.app.get(DataSource).query('DROP TABLE wtc_credential');

    expect((await ticket(service)).body.ticket).toBe(first.body.ticket);
    expect(await callCount()).toBe(1);
  });

  it('is fetched once for all who need it at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ticket(service)));

    expect(new Set(answers.map(({ status, body }) => `${status} ${body.ticket}`)).size).toBe(1);
    expect(await callCount()).toBe(1);
  });

  it('of one type is another than that of the other', async () => {
    const jsapi = await ticket(service);
    const card = await ticket(service, { type: 'wx_card' });

    expect(card.body.type).toBe('wx_card');
    expect(card.body.ticket).not.toBe(jsapi.body.ticket);
    const minted = await pair.wechat.tickets(APP_ID);
    expect(minted.map(({ type }) => type)).toEqual(['jsapi', 'wx_card']);
  });

  it('has an ETag that changes with its version; If-None-Match answers 304', async () => {
    await ticketIsOld();
    const first = await ticket(service);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^".+"$/);

    const same = await ticket(service, { headers: { 'if-none-match': `W/"x", ${etag}` } });
    expect([same.status, same.body, same.headers.get('etag')]).toEqual([304, '', etag]);

    await pair.later(THIRD + 1);
    const next = await ticket(service, { headers: { 'if-none-match': etag } });
    expect(next.status).toBe(200);
    expect(next.headers.get('etag')).not.toBe(etag);
    expect(next.body.version).toBeGreaterThan(first.body.version);
  });

  it('is sealed in the database and in no line of the log', async () => {
    const { body } = await ticket(service);
    const source = service.app.get(DataSource);

    const rows: unknown = await source.query('SELECT * FROM wtc_credential');

    expect(JSON.stringify(rows)).toContain('jsapi_ticket');
    expect(JSON.stringify(rows)).not.toContain(body.ticket);
    expect(service.logged).not.toContain(body.ticket);
  });

  it('has its reads counted by client, as those of the token are', async () => {
    await ticket(service);
    await ticket(service);
    await service.app.get(ReadCounter).flush();

    const rows: { kind: string; client: string; reads: string }[] = await service.app
      .get(DataSource)
      .query('SELECT * FROM wtc_read_count');
    expect(rows.map(({ kind, client, reads }) => [kind, client, Number(reads)])).toEqual([
      ['jsapi_ticket', 'default', 2],
    ]);
  });

  it('is there for other modules: at once, or with a wait', async () => {
    const tickets = service.app.get(TicketService);
    expect(tickets.current(APP_ID, 'jsapi')).toBeUndefined();

    const read = await tickets.read(APP_ID, 'jsapi', 5_000);

    expect(tickets.current(APP_ID, 'jsapi')).toBe(read);
    expect(() => tickets.current('wxffffffffffffffff', 'jsapi')).toThrow('no such account');
    await expect(tickets.read('wxffffffffffffffff', 'jsapi', 0)).rejects.toThrow('no such account');
  });
});

describe('who may read a ticket', () => {
  it('is a client with ticket:read, and the account must be there', async () => {
    const reader = await makeClient(service, { scopes: ['token:read'] });
    const as = (key: string | undefined, appId = APP_ID): Promise<Answer<ProblemBody>> =>
      service.call('GET', path('jsapi', appId), { key });

    expect((await as(undefined)).status).toBe(401);
    expect((await as(reader.key)).status).toBe(403);
    expect((await as(ADMIN_KEY)).status).toBe(403);
    const missing = await as(CLIENT_KEY, 'wxffffffffffffffff');
    expect([missing.status, missing.body.code]).toEqual([403, 'forbidden']);
    expect(await callCount()).toBe(0);
  });
});

describe('a request that is wrong', () => {
  it('is answered with what is wrong, and WeChat is not asked', async () => {
    const answers: Record<string, unknown> = {};
    for (const query of Object.keys(REFUSED)) {
      const url = `/v1/accounts/${APP_ID}/tickets${query}`;
      const { status, body } = await service.call<ProblemBody>('GET', url, { key: CLIENT_KEY });
      answers[query] = [status, body.code];
    }

    expect(answers).toEqual(REFUSED);
    expect(await callCount()).toBe(0);
  });

  it('is one that is no GET', async () => {
    const { status, headers } = await service.call('POST', path('jsapi'), { key: CLIENT_KEY });

    expect([status, headers.get('allow')]).toEqual([405, expect.stringContaining('GET')]);
  });
});

describe('keeping a ticket alive', () => {
  it('asks WeChat a third of the lifetime after each fetch, and not before', async () => {
    await ticket(service);

    await pair.later(THIRD - 10);
    expect(await callCount()).toBe(1);
    await pair.later(11);
    expect(await callCount()).toBe(2);
    await pair.later(THIRD - 10);
    expect(await callCount()).toBe(2);
    await pair.later(11);
    expect(await callCount()).toBe(3);
  });

  it('keeps the first end of a ticket that comes back unchanged', async () => {
    const first = await ticket(service);

    await pair.later(THIRD + 1);

    const { body } = await ticket(service);
    expect(await callCount()).toBe(2);
    expect(body).toMatchObject({
      ticket: first.body.ticket,
      version: first.body.version,
      expires_at: first.body.expires_at,
    });
    expect(body.expires_in).toBeLessThan(7_200 - THIRD);
  });

  it('has the next one as soon as it is due after WeChat has it', async () => {
    await ticketIsOld();
    const first = await ticket(service);

    await pair.later(THIRD + 1);

    const { body } = await ticket(service);
    expect(body.ticket).not.toBe(first.body.ticket);
    expect(body.version).toBeGreaterThan(first.body.version);
    expect(body.expires_in).toBeGreaterThan(7_190);
  });

  it('never serves one past its end; who asks then waits for the next', async () => {
    await pair.wechat.changeSettings({ ticketLifetimeSeconds: HOUR });
    const first = await ticket(service);
    await pair.pass(HOUR);

    const { status, body } = await ticket(service);

    expect(status).toBe(200);
    expect(body.ticket).not.toBe(first.body.ticket);
  });

  it('serves the old one while WeChat fails, and asks again', async () => {
    const first = await ticket(service);
    await pair.wechat.fault(always(-1));

    await pair.later(THIRD + 1);
    expect((await ticket(service)).body.ticket).toBe(first.body.ticket);
    await pair.later(MINUTE + 1);
    expect(await callCount()).toBe(3);
    expect((await ticket(service)).body.ticket).toBe(first.body.ticket);
  });

  it('shrinks with the lifetime', async () => {
    await pair.wechat.changeSettings({ ticketLifetimeSeconds: 120 });
    const first = await ticket(service);
    expect(first.body).toMatchObject({ cache_for: 6 });

    await pair.later(39);
    expect(await callCount()).toBe(1);
    await pair.later(2);
    expect(await callCount()).toBe(2);
  });

  it.each([
    ['no ticket', { errcode: 0, expires_in: 7_200 }],
    ['a ticket that is no text', { errcode: 0, ticket: 7, expires_in: 7_200 }],
    ['no lifetime', { errcode: 0, ticket: 'kgt8ON7y' }],
  ])('refuses an answer with %s', async (_, body) => {
    const answered = { status: 200, body: JSON.stringify(body) } as const;
    await pair.wechat.fault({ kind: 'status', path: TICKET_PATH, ...answered, times: 'always' });

    const answer = await ticket(service, { query: '?wait=0.3' });

    expect([answer.status, answer.body.code]).toEqual([503, 'token_unavailable']);
  });
});

describe('a ticket that nobody asks for', () => {
  it('is kept for 24 h, then left to expire, and fetched again at the next need', async () => {
    const first = await ticket(service);
    for (let hour = 1; hour < 24; hour += 1) {
      await hourLater();
    }
    const kept = await callCount();
    expect(kept).toBe(24);

    for (let hour = 24; hour < 30; hour += 1) {
      await hourLater();
    }
    expect(await callCount()).toBe(kept);

    const { status, body } = await ticket(service);
    expect(status).toBe(200);
    expect(body.ticket).not.toBe(first.body.ticket);
    expect(await callCount()).toBe(kept + 1);

    await pair.later(THIRD + 1);
    expect(await callCount()).toBe(kept + 2);
  });

  it('is asked for by a read from memory too', async () => {
    await ticket(service);
    for (let hour = 1; hour <= 48; hour += 1) {
      await hourLater();
      await ticket(service);
    }

    expect(await callCount()).toBe(49);
  });

  it('costs no statement for each read, and one an hour at most', async () => {
    const asked = async (): Promise<unknown> =>
      service.app.get(DataSource).query('SELECT asked_at FROM wtc_ticket_demand');
    await ticket(service);
    await exchange(service);
    const first = await asked();

    await pair.later(59 * MINUTE);
    await ticket(service);
    await exchange(service);
    expect(await asked()).toEqual(first);

    await pair.later(2 * MINUTE);
    await ticket(service);
    await exchange(service);
    expect(await asked()).not.toEqual(first);
  });
});

describe('after a restart', () => {
  it('a stored ticket is served, and WeChat not asked', async () => {
    const first = await ticket(service);

    const restarted = await restart();

    const { status, body } = await ticket(restarted);
    expect([status, body.ticket, body.version]).toEqual([
      200,
      first.body.ticket,
      first.body.version,
    ]);
    expect(await callCount()).toBe(1);
  });

  it('one that was asked for within 24 h is kept alive, though nobody asks again', async () => {
    await ticket(service);
    await exchange(service);

    const restarted = await restart();
    await laterAll(THIRD + 1, [restarted]);

    expect(await callCount()).toBe(2);
  });

  it('one that nobody asked for any more is not', async () => {
    await ticket(service);
    await exchange(service);
    await pair.wechat.advance(25 * HOUR * 1_000);

    const restarted = await restart(25 * HOUR);
    await laterAll(THIRD + 1, [restarted]);

    expect(await callCount()).toBe(1);
  });
});

describe('replicas', () => {
  it('hand out one ticket that was fetched once', async () => {
    const second = await another();

    const answers = await Promise.all(
      [service, second, service, second].map((replica) => ticket(replica)),
    );
    const bodies = answers.map(({ status, body }) => [status, body.ticket, body.version]);

    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(await callCount()).toBe(1);
  });

  it('keep it alive with one fetch, and both have the next', async () => {
    const second = await another();
    await ticketIsOld();
    await ticket(service);
    await exchange(service);
    await exchange(second);

    await laterAll(THIRD + 1, [service, second]);
    await service.poll();

    expect(await callCount()).toBe(2);
    expect((await ticket(second)).body.ticket).toBe((await ticket(service)).body.ticket);
    expect(await callCount()).toBe(2);
  });

  it('keep alive what another one was asked for that is gone', async () => {
    const second = await another();
    await ticket(service);
    await exchange(service);
    await exchange(second);
    await service.close();

    await laterAll(THIRD + 1, [second]);

    expect(await callCount()).toBe(2);
  });
});

describe('the access_token that a ticket is fetched with', () => {
  it('dead: is replaced, and the ticket fetched again, once', async () => {
    const dead = await pair.token();
    await pair.pass(10);
    await pair.wechat.killToken(dead);

    const { status } = await ticket(service);

    expect(status).toBe(200);
    expect((await calls()).map(({ errcode }) => errcode)).toEqual([40001, 0]);
    expect(await pair.wechat.countCalls({ path: TOKEN_PATH })).toBe(2);
    expect(await pair.token()).not.toBe(dead);
  });

  it('refused twice: the ticket is unavailable, with what WeChat said', async () => {
    await pair.pass(10);
    await pair.wechat.fault(always(42001));

    await ticket(service, { query: '?wait=0' });

    const { status, body, headers } = await ticket(service, { query: '?wait=0' });

    expect(status).toBe(503);
    expect(body).toMatchObject({
      code: 'token_unavailable',
      upstream: { errcode: 42001, errmsg: expect.any(String), advice: expect.any(String) },
    });
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await calls()).map(({ errcode }) => errcode)).toEqual([42001, 42001]);
  });

  it('dead, at the refresh of a live ticket: that is served on, and the token replaced', async () => {
    const first = await ticket(service);
    const dead = await pair.token();
    await pair.pass(THIRD + 1);
    await pair.wechat.killToken(dead);

    await service.tick();

    expect((await calls()).map(({ errcode }) => errcode)).toEqual([0, 40001, 0]);
    expect((await ticket(service)).body.ticket).toBe(first.body.ticket);
    expect(await pair.token()).not.toBe(dead);
  });

  it('missing: a live ticket is served on, and WeChat is not asked until there is one', async () => {
    const first = await ticket(service);
    await pair.wechat.fault(always(40125, TOKEN_PATH));
    await pair.wechat.killToken(await pair.token());
    await pair.pass(10);
    await service.report({ access_token: await pair.token() });

    await pair.later(THIRD + 1);
    expect(await callCount()).toBe(1);
    expect((await ticket(service)).body.ticket).toBe(first.body.ticket);

    await pair.wechat.clearFaults();
    expect((await service.adminRefresh()).status).toBe(200);
    await service.tick();
    expect(await callCount()).toBe(2);
  });

  it('missing, and no ticket yet: the answer says why there is no token', async () => {
    await pair.pass(10);
    await pair.wechat.fault(always(40125, TOKEN_PATH));
    await pair.wechat.killToken(await pair.token());
    await service.report({ access_token: await pair.token() });

    const { status, body } = await ticket(service);

    expect(status).toBe(503);
    expect(body).toMatchObject({
      code: 'token_unavailable',
      detail: expect.stringContaining('access_token'),
      upstream: { errcode: 40125, advice: expect.stringContaining('AppSecret') },
    });
    expect(await callCount()).toBe(0);
  });
});

describe('no ticket', () => {
  it('is 503 with the errcode and the advice, and WeChat is not asked at every request', async () => {
    await pair.wechat.fault(always(48001));

    for (let request = 0; request < 5; request += 1) {
      const { status, body, headers } = await ticket(service);
      expect(status).toBe(503);
      expect(body).toMatchObject({
        code: 'token_unavailable',
        detail: expect.stringContaining('jsapi_ticket'),
        upstream: { errcode: 48001, advice: expect.stringContaining('permission') },
      });
      expect(headers.get('cache-control')).toBe('no-store');
    }
    expect(await callCount()).toBe(1);

    await pair.wechat.clearFaults();
    await pair.later(5 * MINUTE + 1);
    expect((await ticket(service)).status).toBe(200);
  });

  it('shows in the state of its account, and an admin refresh tries it again at once, on every replica', async () => {
    const other = await another();
    await pair.wechat.fault(always(40164));
    expect((await ticket(service)).status).toBe(503);
    const account = `/v1/admin/accounts/${APP_ID}`;
    const state = async (): Promise<object> =>
      (await service.call<object>('GET', account, { key: ADMIN_KEY })).body;
    expect(await state()).toMatchObject({
      access_token: { state: 'live' },
      tickets: [
        {
          kind: 'jsapi_ticket',
          state: 'blocked',
          failures_in_a_row: 1,
          last_error: { errcode: 40164, advice: expect.stringContaining('IP') },
        },
      ],
    });
    const found = await service.call('GET', '/v1/admin/accounts?state=blocked', { key: ADMIN_KEY });
    expect(found.body).toMatchObject({ items: [{ app_id: APP_ID }] });

    await pair.wechat.clearFaults();
    await laterAll(10, [service, other]);
    expect([(await ticket(service)).status, (await ticket(other)).status]).toEqual([503, 503]);
    expect((await service.adminRefresh()).status).toBe(200);
    await service.app.get(RefreshService).settled();
    await other.poll();
    expect([(await ticket(service)).status, (await ticket(other)).status]).toEqual([200, 200]);
    expect(await state()).toMatchObject({
      tickets: [{ state: 'live', failures_in_a_row: 0, last_error: null }],
    });
    expect(await callCount()).toBe(2);
  });

  it('of an account that was switched off meanwhile is tried at once when it is switched on', async () => {
    await pair.wechat.fault(always(40164));
    expect((await ticket(service)).status).toBe(503);
    await pair.wechat.clearFaults();
    await pair.later(10);
    const setEnabled = (enabled: boolean): Promise<Answer<unknown>> =>
      service.call('PATCH', `/v1/admin/accounts/${APP_ID}`, { key: ADMIN_KEY, body: { enabled } });
    await setEnabled(false);
    await setEnabled(true);
    expect((await ticket(service)).status).toBe(200);
  });

  it('with ?wait=0 does not wait for the fetch', async () => {
    await pair.wechat.fault({ kind: 'delay', path: TICKET_PATH, delayMs: 300 });

    const { status, body } = await ticket(service, { query: '?wait=0' });

    expect([status, body.code]).toEqual([503, 'token_unavailable']);
    expect((await ticket(service, { query: '?wait=0' })).status).toBe(200);
  });
});
