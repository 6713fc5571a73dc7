import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource, LessThan, MoreThan, type ObjectLiteral } from 'typeorm';
import { ReadCountEntity } from '../src/audit/read-count.entity.js';
import { ReadCounter } from '../src/audit/read-counter.js';
import { RetentionScheduler } from '../src/database/retention.scheduler.js';
import { CallCountEntity } from '../src/audit/call-count.entity.js';
import { ReportAnswerBody } from '../src/wechat/access-token/access-token.dto.js';
import { CallCounter } from '../src/audit/call-counter.js';
import { RefreshItem } from '../src/wechat/admin/refresh-history.dto.js';
import { RefreshHistoryEntity } from '../src/wechat/refresh-history/refresh-history.entity.js';
import { AuditEntity } from '../src/audit/audit.entity.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { FETCH_PATH, Pair } from './support/pair.js';
import {
  ADMIN_KEY,
  APP_ID,
  CLIENT_KEY,
  startService,
  type Answer,
  type ProblemBody,
  type Service,
} from './support/service.js';

/* What is kept of refreshes, reports and reads: how it is written, shown in pages, and deleted again. */

let database: TestDatabase;
let pair: Pair;
let others: Service[];

beforeEach(async () => {
  database = await createDatabase();
  others = [];
});
afterEach(async () => {
  await Promise.all(others.map((other) => other.close()));
  await pair.close();
  await database.remove();
});

interface ListBody extends ProblemBody {
  readonly items: Record<string, unknown>[];
  readonly next_cursor: string | null;
}

function list(path: string, service = pair.service): Promise<Answer<ListBody>> {
  return service.call('GET', `/v1/admin/${path}`, { key: ADMIN_KEY });
}

/** Every page of a list, one after the other. */
async function allPages(path: string, limit: number): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const mark = path.includes('?') ? '&' : '?';
    const page: Answer<ListBody> = await list(
      `${path}${mark}limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    expect(page.status).toBe(200);
    expect(page.body.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.body.items);
    cursor = page.body.next_cursor;
  }
  return items;
}

async function start(mode: 'legacy' | 'stable' = 'legacy'): Promise<void> {
  pair = await Pair.start({ mode, environment: { DATABASE_URL: database.url } });
}

function source(): DataSource {
  return pair.service.app.get(DataSource);
}

/** What each statement of the service says, from now on. */
function recordStatements(): string[] {
  const statements: string[] = [];
  const connected = source();
  const createQueryRunner = connected.createQueryRunner.bind(connected);
  // SQLite has one runner for all.
  const wrapped = new WeakSet();
  connected.createQueryRunner = (mode) => {
    const runner = createQueryRunner(mode);
    if (wrapped.has(runner)) {
      return runner;
    }
    wrapped.add(runner);
    const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<unknown>;
    return Object.assign(runner, {
      query: (sql: string, ...rest: unknown[]) => {
        statements.push(sql);
        return query(sql, ...rest);
      },
    });
  };
  return statements;
}

function sumOf(items: readonly Record<string, unknown>[], field: string): number {
  return items.reduce((sum, item) => sum + Number(item[field]), 0);
}

const UNKNOWN = '/v1/admin/accounts/wxffffffffffffffff';
const REFRESHES = `accounts/${APP_ID}/refreshes`;
const flushReports = (service = pair.service): Promise<void> =>
  service.app.get(CallCounter).flush();
const flushReads = (service = pair.service): Promise<void> => service.app.get(ReadCounter).flush();

describe('the history of refreshes', () => {
  it('tells when, why, how it ended, how long it took, which version, who and where', async () => {
    await start();
    await pair.pass(60);
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'errcode', errcode: 40164 });
    expect((await pair.service.adminRefresh()).status).toBe(502);
    await pair.pass(60);
    const token = await pair.token();
    await pair.wechat.killToken(token);
    // A tick just after the probe would refresh the dead token first, as the schedule's.
    pair.service.stopCron();
    await pair.service.call('POST', `/v1/accounts/${APP_ID}/access-token/report`, {
      key: CLIENT_KEY,
      headers: { 'x-request-id': 'report-1' },
      body: { access_token: token },
    });
    const { status, body } = await list(REFRESHES);
    expect(status).toBe(200);
    const common = {
      at: expect.stringMatching(/Z$/),
      kind: 'access_token',
      forced: false,
      duration: expect.any(Number),
      replica: expect.stringMatching(new RegExp(`:${process.pid}$`)),
      request_id: expect.any(String),
      code: null,
      errcode: null,
    };
    expect(body).toEqual({
      items: [
        {
          ...common,
          cause: 'report',
          outcome: 'committed',
          version: 3,
          actor: 'default',
          request_id: 'report-1',
        },
        {
          ...common,
          cause: 'admin',
          outcome: 'failed',
          code: 'wechat_error',
          errcode: 40164,
          version: 1,
          actor: 'admin',
        },
        {
          ...common,
          cause: 'schedule',
          outcome: 'committed',
          version: 1,
          actor: 'service',
          request_id: null,
        },
      ],
      next_cursor: null,
    });
  });

  it('is read in pages, and by cause, outcome and kind', async () => {
    await start();
    for (let refresh = 0; refresh < 6; refresh += 1) {
      await pair.pass(60);
      await pair.service.adminRefresh();
    }
    const whole = (await list(REFRESHES)).body.items;
    expect(whole.map(({ version }) => version)).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(await allPages(REFRESHES, 3)).toEqual(whole);
    expect(await allPages(REFRESHES, 7)).toEqual(whole);
    const versionsOf = async (query: string): Promise<unknown[]> =>
      (await list(`${REFRESHES}?${query}`)).body.items.map(({ version }) => version);
    expect(await versionsOf('cause=schedule')).toEqual([1]);
    expect(await versionsOf('cause=report')).toEqual([]);
    expect(await versionsOf('outcome=failed')).toEqual([]);
    expect(await versionsOf('outcome=started')).toEqual([]);
    expect(await versionsOf('outcome=committed&cause=admin&limit=2')).toEqual([7, 6]);
    expect(await versionsOf('kind=jsapi_ticket')).toEqual([]);
    expect(await versionsOf('kind=access_token&limit=1')).toEqual([7]);
  });

  it('of an account that there is not: 404', async () => {
    await start();
    const answer = await list('accounts/wxffffffffffffffff/refreshes');
    expect([answer.status, answer.body.code]).toEqual([404, 'account_not_found']);
  });
});

describe('reports', () => {
  it('a thousand of a dead token: a handful of rows and statements, none in their way', async () => {
    await start();
    const token = await pair.token();
    await pair.wechat.killToken(token);
    await pair.pass(30);
    const statements = recordStatements();
    const outcomes = new Map<unknown, number>();
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => pair.service.report({ access_token: token })),
      );
      for (const { body } of answers) {
        outcomes.set(body.outcome, (outcomes.get(body.outcome) ?? 0) + 1);
      }
    }
    expect(outcomes.get('superseded')).toBeGreaterThanOrEqual(900);
    // A round that the schedule began before is only joined: what came since is written by the next.
    await flushReports();
    await flushReports();
    // For each round of five seconds and each outcome one, and one more for the first of a minute.
    const ofReports = statements.filter((sql) => sql.includes('call_count'));
    expect(ofReports.length).toBeLessThanOrEqual(30);
    const { items } = (await list('audit?action=token.report')).body;
    const counted = new Map<unknown, number>();
    for (const { outcome, count } of items) {
      counted.set(outcome, (counted.get(outcome) ?? 0) + Number(count));
    }
    expect(counted).toEqual(outcomes);
    expect(items[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      at: expect.stringMatching(/:00\.000Z$/),
      actor: 'default',
      action: 'token.report',
      app_id: APP_ID,
      target: null,
      outcome: expect.any(String),
      count: expect.any(Number),
      source: '127.0.0.1',
      request_id: expect.stringMatching(/^[\w-]{12}-[0-9a-z]+$/),
      version_before: null,
      version_after: 2,
      replica: expect.stringMatching(new RegExp(`:${process.pid}$`)),
      reason: null,
    });
    expect(JSON.stringify(items)).not.toContain(token);
  });

  it('on two replicas within a minute are counted into one row', async () => {
    await start();
    const other = await startService(pair.wechat, {
      DATABASE_URL: database.url,
      WECHAT_TOKEN_MODE: 'legacy',
    });
    others.push(other);
    await other.ready();
    const count = (service: Service): void => {
      for (let report = 0; report < 3; report += 1) {
        service.app.get(CallCounter).count({
          action: 'token.report',
          appId: APP_ID,
          version: 1,
          outcome: 'still_valid',
          origin: { actor: 'default', source: '127.0.0.1', requestId: 'r' },
        });
      }
    };
    // Again, should the minute have turned between the two.
    for (let isSame = false; !isSame;) {
      await source().getRepository(CallCountEntity).clear();
      const minute = Math.floor(Date.now() / 60_000);
      count(pair.service);
      count(other);
      isSame = minute === Math.floor(Date.now() / 60_000);
      await Promise.all([flushReports(), flushReports(other)]);
    }
    count(pair.service);
    await flushReports();
    const { items } = (await list('audit?action=token.report')).body;
    expect(sumOf(items, 'count')).toBe(9);
    expect(items.at(-1)?.count).toBeGreaterThanOrEqual(6);
  });

  it('that could not be answered are counted with their code', async () => {
    await start();
    const token = await pair.token();
    await pair.wechat.killToken(token);
    await pair.pass(30);
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'errcode', errcode: 40125 });
    expect((await pair.service.report({ access_token: token })).status).toBe(503);
    await flushReports();
    const { items } = (await list('audit?action=token.report')).body;
    expect(items).toMatchObject([
      { actor: 'default', outcome: 'failed:token_unavailable', count: 1, version_after: 1 },
    ]);
  });

  it('are kept while the database is away, and written when it is back', async () => {
    await start();
    const token = await pair.token();
    expect((await pair.service.report({ version: 99 })).body.outcome).toBe('superseded');
    await source().destroy();
    await flushReports();
    expect((await pair.service.report({ access_token: token })).status).toBe(503);
    await source().initialize();
    await flushReports();
    const { items } = (await list('audit?action=token.report')).body;
    expect(items.map(({ outcome }) => outcome).sort()).toEqual([
      'failed:database_unavailable',
      'superseded',
    ]);
    expect(pair.service.events('call_counts_not_stored')).toHaveLength(1);
  });
});

describe('reads', () => {
  it('are counted for each client, account and minute, without a statement of their own', async () => {
    await start();
    const statements = recordStatements();
    for (let read = 0; read < 5; read += 1) {
      await pair.service.read();
    }
    const { headers } = await pair.service.read();
    const same = await pair.service.call('GET', `/v1/accounts/${APP_ID}/access-token`, {
      key: CLIENT_KEY,
      headers: { 'if-none-match': headers.get('etag') ?? '' },
    });
    expect(same.status).toBe(304);
    await flushReads();
    // Two where the minute has just turned.
    const ofReads = statements.filter((sql) => sql.includes('read_count'));
    expect([1, 2]).toContain(ofReads.length);
    const { items } = (await list('reads')).body;
    expect(items[0]).toEqual({
      at: expect.stringMatching(/:00\.000Z$/),
      client: 'default',
      app_id: APP_ID,
      kind: 'access_token',
      reads: expect.any(Number),
    });
    expect(sumOf(items, 'reads')).toBe(7);
    await flushReads();
    expect((await list('reads')).body.items).toEqual(items);
  });

  it('that failed are none', async () => {
    await start();
    await pair.service.read('?wait=no');
    await pair.service.read('', 'wxffffffffffffffff');
    await flushReads();
    expect((await list('reads')).body.items).toEqual([]);
  });

  it('before and after a rotation, and on two replicas, are one number', async () => {
    await start();
    const other = await startService(pair.wechat, {
      DATABASE_URL: database.url,
      WECHAT_TOKEN_MODE: 'legacy',
    });
    others.push(other);
    await other.ready();
    await pair.service.read();
    await pair.service.adminRefresh();
    await pair.service.read();
    await other.read();
    await Promise.all([flushReads(), flushReads(other)]);
    // As if the minute had not turned meanwhile.
    await source().query('UPDATE wtc_read_count SET at = 60000');
    expect((await list('reads')).body.items).toMatchObject([{ reads: 3 }]);
  });

  it('are kept while the database is away, and what is counted last is written at the end', async () => {
    await start();
    await pair.service.read();
    await source().destroy();
    await flushReads();
    await pair.service.read();
    await pair.service.read();
    expect(pair.service.events('read_counts_not_stored')).toHaveLength(1);
    await source().initialize();
    await pair.service.close();
    const { wechat } = pair;
    pair = new Pair(wechat, await startService(wechat, { DATABASE_URL: database.url }), 'legacy');
    await pair.service.ready();
    const { items } = (await list('reads')).body;
    expect(sumOf(items, 'reads')).toBe(3);
  });

  it('are read in pages, newest first, by account, client and time', async () => {
    await start();
    const minute = (index: number): number => Date.UTC(2026, 0, 1, 0, index);
    const rows = Array.from({ length: 23 }, (_, index) => ({
      id: `row-${index}`,
      at: minute(Math.floor(index / 4)),
      client: ['default', 'shop'][index % 2] ?? '',
      appId: index % 4 < 2 ? APP_ID : 'wx1111111111111111',
      kind: 'access_token',
      reads: index + 1,
    }));
    await source().createQueryBuilder().insert().into(ReadCountEntity).values(rows).execute();
    const whole = (await list('reads?limit=200')).body.items;
    expect(whole).toHaveLength(23);
    expect(await allPages('reads', 5)).toEqual(whole);
    expect(whole.map(({ at }) => String(at))).toEqual(
      whole.map(({ at }) => String(at)).sort((a, b) => (a < b ? 1 : -1)),
    );
    const shop = (await list(`reads?client=shop&app_id=${APP_ID}`)).body.items;
    expect(shop.map(({ reads }) => reads)).toEqual([22, 18, 14, 10, 6, 2]);
    const since = new Date(minute(1)).toISOString();
    const until = new Date(minute(2)).toISOString();
    const between = (await list(`reads?since=${since}&until=${until}`)).body.items;
    expect(between.map(({ reads }) => Number(reads)).sort((a, b) => a - b)).toEqual([5, 6, 7, 8]);
  });
});

describe('the audit', () => {
  beforeEach(async () => {
    await start();
    for (let turn = 0; turn < 3; turn += 1) {
      await pair.pass(61);
      await pair.service.adminRefresh({ reason: `turn ${turn}` });
      await pair.service.report({ version: 1 });
      await flushReports();
    }
  });

  it('merges what admins did, the reports and the refreshes, newest first', async () => {
    const { items } = (await list('audit')).body;
    expect(items).toHaveLength(3 + 3 + 4);
    const times = items.map(({ at }) => String(at));
    expect(times).toEqual([...times].sort().reverse());
    expect(new Set(items.map(({ action }) => action))).toEqual(
      new Set(['token.refresh', 'token.report', 'credential.refresh']),
    );
    expect(items.filter(({ action }) => action === 'token.refresh')).toMatchObject([
      { actor: 'admin', outcome: 'ok', reason: 'turn 2', version_before: 3, version_after: 4 },
      { actor: 'admin', outcome: 'ok', reason: 'turn 1', version_before: 2, version_after: 3 },
      { actor: 'admin', outcome: 'ok', reason: 'turn 0', version_before: 1, version_after: 2 },
    ]);
    // The refresh that an admin caused carries the same request id as the admin's action.
    const [action, refresh] = ['token.refresh', 'credential.refresh'].map((name) =>
      items.find((item) => item.action === name),
    );
    expect(refresh?.request_id).toBe(action?.request_id);
    expect(refresh).toMatchObject({ actor: 'admin', target: 'access_token', version_after: 4 });
  });

  it.each([1, 2, 3, 7])('in pages of %i: every row once, in the same order', async (limit) => {
    // The order must hold where the tables have rows of the same millisecond.
    await source().query('UPDATE wtc_audit SET at = 120000');
    await source().query('UPDATE wtc_call_count SET at = 120000');
    await source().query('UPDATE wtc_refresh_history SET started_at = 120000 WHERE fence > 3');
    const whole = (await list('audit?limit=200')).body.items;
    expect(whole).toHaveLength(10);
    expect(await allPages('audit', limit)).toEqual(whole);
  });

  it('is filtered by account, actor, action and time', async () => {
    const count = async (query: string): Promise<number> =>
      (await list(`audit?${query}`)).body.items.length;
    expect(await count(`app_id=${APP_ID}`)).toBe(10);
    expect(await count('app_id=wx1111111111111111')).toBe(0);
    expect(await count('actor=admin')).toBe(6);
    expect(await count('actor=default')).toBe(3);
    expect(await count('actor=service')).toBe(1);
    expect(await count('actor=admin&action=token.refresh')).toBe(3);
    expect(await count('action=credential.refresh')).toBe(4);
    expect(await count('action=client.create')).toBe(0);
    expect(await count('outcome=ok')).toBe(3);
    expect(await count('outcome=superseded')).toBe(3);
    expect(await count('outcome=committed')).toBe(4);
    expect(await count('outcome=committed&actor=admin')).toBe(3);
    expect(await count('outcome=failed')).toBe(0);
    const { items } = (await list('audit?action=credential.refresh')).body;
    const [newest, second] = items.map(({ at }) => String(at));
    expect(await count(`action=credential.refresh&since=${newest}`)).toBe(1);
    expect(await count(`action=credential.refresh&until=${newest}`)).toBe(3);
    expect(await count(`action=credential.refresh&since=${second}&until=${newest}`)).toBe(1);
  });
});

describe('the outcomes of the audit', () => {
  const ended = async (query: string): Promise<string[]> =>
    (await list(`audit?${query}`)).body.items.map(
      ({ action, outcome }) => `${String(action)} ${String(outcome)}`,
    );

  it('are filtered by their word, with what it has behind it or for all of that', async () => {
    await start();
    await pair.service.adminRefresh({ forse: true });
    await pair.wechat.killToken(await pair.token());
    await pair.pass(60);
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'errcode', errcode: 40164, times: 2 });
    expect((await pair.service.adminRefresh()).status).toBe(502);
    await pair.pass(60);
    expect((await pair.service.report({ version: 1 }, '?wait=0')).status).toBe(503);
    await flushReports();
    expect((await pair.service.call('DELETE', UNKNOWN, { key: ADMIN_KEY })).status).toBe(404);
    // As of a process that died.
    await source().query(
      "UPDATE wtc_audit SET outcome = 'started' WHERE action = 'account.delete'",
    );
    await source().query('UPDATE wtc_refresh_history SET outcome = NULL WHERE fence = 1');

    const whole = await ended('limit=200');
    expect(new Set(whole)).toEqual(
      new Set([
        'account.delete started',
        'token.report failed:token_unavailable',
        'credential.refresh failed:wechat_error',
        'token.refresh failed:wechat_error',
        'token.refresh refused:validation_failed',
        'credential.refresh started',
      ]),
    );
    for (const [asked, fits] of [
      ['failed', / failed:/],
      ['failed:wechat_error', / failed:wechat_error$/],
      ['failed:token_unavailable', / failed:token_unavailable$/],
      ['refused', / refused:/],
      ['refused:validation_failed', / refused:validation_failed$/],
      ['started', / started$/],
    ] as const) {
      const expected = whole.filter((line) => fits.test(line));
      expect([asked, await ended(`outcome=${asked}`)]).toEqual([asked, expected]);
    }
    const pages = await allPages('audit?outcome=failed', 1);
    expect(pages).toEqual((await list('audit?outcome=failed')).body.items);
    expect(await ended('outcome=failed:forbidden')).toEqual([]);
    expect(await ended('outcome=refused:wechat_error')).toEqual([]);
  });

  it('may all be asked for', async () => {
    await start();
    const words = [
      ...RefreshItem.shape.outcome.options,
      ...ReportAnswerBody.shape.outcome.options,
      'ok',
      'refused',
      'refused:account_not_found',
      'failed:wechat_error',
    ];
    for (const word of words) {
      expect([word, (await list(`audit?outcome=${word}`)).status]).toEqual([word, 200]);
    }
  });
});

describe('bad input', () => {
  beforeEach(() => start());

  const LISTS = ['audit', 'reads', REFRESHES];

  it('of every list: 400 with the path, never a 500', async () => {
    const cursorOf = (position: unknown): string =>
      Buffer.from(JSON.stringify(position)).toString('base64url');
    for (const path of LISTS) {
      for (const [query, where] of [
        ['limit=0', 'query.limit'],
        ['limit=201', 'query.limit'],
        ['limit=ten', 'query.limit'],
        ['limit=5&limit=6', 'query.limit'],
        ['cursor=', 'query.cursor'],
        ['cursor=abc', 'query.cursor'],
        [`cursor=${'a'.repeat(600)}`, 'query.cursor'],
        [`cursor=${cursorOf({ atMs: 1, id: "' OR 1=1 --", source: 'admin' })}`, 'query.cursor'],
        [`cursor=${cursorOf({ atMs: '1' })}`, 'query.cursor'],
        ['nothing=1', 'query.nothing'],
      ]) {
        const { status, body } = await list(`${path}?${query}`);
        expect([path, query, status, body.code, body.errors?.[0]?.path]).toEqual([
          path,
          query,
          400,
          'validation_failed',
          where,
        ]);
      }
    }
  });

  it.each([
    ['audit', 'app_id=%00'],
    ['audit', 'app_id=wx_1'],
    ['audit', 'actor=%27'],
    ['audit', 'actor=Admin'],
    ['audit', 'action=client.rename'],
    ['audit', 'outcome=lost'],
    ['audit', 'outcome=ok:validation_failed'],
    ['audit', 'outcome=failed:%25'],
    ['audit', 'outcome=failed:'],
    ['audit', 'outcome=OK'],
    ['audit', 'since=yesterday'],
    ['audit', 'until=2026-02-30T00:00:00Z'],
    ['reads', 'client=%00'],
    ['reads', 'since=1'],
    [REFRESHES, 'kind=%00'],
    [REFRESHES, 'cause=whim'],
    [REFRESHES, 'outcome=lost'],
  ])('%s?%s: 400 at that filter', async (path, query) => {
    const { status, body } = await list(`${path}?${query}`);
    expect(status).toBe(400);
    expect(body.errors?.[0]?.path).toBe(`query.${query.split('=')[0] ?? ''}`);
  });

  it('a cursor of another list: 400', async () => {
    await pair.pass(60);
    await pair.service.adminRefresh();
    const { next_cursor: cursor } = (await list('audit?limit=1')).body;
    expect(cursor).not.toBeNull();
    expect((await list(`reads?cursor=${cursor}`)).status).toBe(400);
    expect((await list(`${REFRESHES}?cursor=${cursor}`)).status).toBe(400);
  });

  it('a client’s key: 403, none: 401; the database away: 503', async () => {
    for (const path of LISTS) {
      const url = `/v1/admin/${path}`;
      expect((await pair.service.call('GET', url, { key: CLIENT_KEY })).status).toBe(403);
      expect((await pair.service.call('GET', url)).status).toBe(401);
    }
    await source().destroy();
    for (const path of LISTS) {
      const { status, body } = await list(path);
      expect([status, body.code]).toEqual([503, 'database_unavailable']);
    }
    await source().initialize();
  });
});

describe('retention', () => {
  it('deletes what is older than HISTORY_RETENTION_DAYS, of every table, and nothing newer', async () => {
    await start();
    const leaveTraces = async (): Promise<void> => {
      await pair.service.adminRefresh(undefined, '?wait=10');
      await pair.service.report({ version: 1 });
      await pair.service.read();
      await Promise.all([flushReports(), flushReads()]);
    };
    const tables = [
      [AuditEntity, 'at'],
      [CallCountEntity, 'at'],
      [ReadCountEntity, 'at'],
      [RefreshHistoryEntity, 'startedAt'],
    ] as const;
    /** In each table, whether there are rows of the first day and of a later one. */
    const kept = (dayMs: number): Promise<[first: boolean, later: boolean][]> =>
      Promise.all(
        tables.map(async ([entity, at]): Promise<[boolean, boolean]> => {
          const rows = source().getRepository<ObjectLiteral>(entity);
          return [
            await rows.existsBy({ [at]: LessThan(dayMs) }),
            await rows.existsBy({ [at]: MoreThan(dayMs) }),
          ];
        }),
      );
    const firstDayMs = Date.now() + 43_200_000;
    await leaveTraces();
    await pair.pass(89 * 86_400);
    await pair.service.app.get(RetentionScheduler).tick();
    expect((await kept(firstDayMs)).map(([first]) => first)).toEqual([true, true, true, true]);
    expect(pair.service.events('retention')).toEqual([]);
    // The token of the first day has expired; a scheduled refresh comes first.
    await pair.later(3_600);
    await leaveTraces();
    await pair.pass(2 * 86_400);
    await pair.service.app.get(RetentionScheduler).tick();
    expect(await kept(firstDayMs)).toEqual(tables.map(() => [false, true]));
    expect(
      pair.service
        .events('retention')
        .map(({ table }) => table)
        .sort(),
    ).toEqual(['wtc_audit', 'wtc_call_count', 'wtc_read_count', 'wtc_refresh_history']);
  });

  it('takes thousands of rows in batches, also from two replicas at once', async () => {
    await start();
    const other = await startService(pair.wechat, {
      DATABASE_URL: database.url,
      WECHAT_TOKEN_MODE: 'legacy',
    });
    others.push(other);
    await other.ready();
    const row = { at: 1, client: 'c', appId: APP_ID, kind: 'k', reads: 1 };
    for (let batch = 0; batch < 6; batch += 1) {
      const rows = Array.from({ length: 200 }, (_, index) => ({ ...row, id: `${batch}-${index}` }));
      await source().createQueryBuilder().insert().into(ReadCountEntity).values(rows).execute();
    }
    const statements = recordStatements();
    await Promise.all(
      [pair.service, other].map((service) => service.app.get(RetentionScheduler).tick()),
    );
    await pair.service.app.get(RetentionScheduler).tick();
    expect(await source().getRepository(ReadCountEntity).count()).toBe(0);
    const deletes = statements.filter((sql) => /^DELETE FROM .?wtc_read_count/i.test(sql));
    expect(deletes.length).toBeLessThanOrEqual(4);
    expect(pair.service.events('retention_failed')).toEqual([]);
  });

  it('that fails is tried again the next day', async () => {
    await start();
    await source().destroy();
    await pair.service.app.get(RetentionScheduler).tick();
    const tables = pair.service.events('retention_failed').map(({ table }) => table);
    expect(tables.sort()).toEqual([
      'wtc_audit',
      'wtc_call_count',
      'wtc_client',
      'wtc_client_key',
      'wtc_read_count',
      'wtc_refresh_history',
    ]);
    await source().initialize();
  });
});
