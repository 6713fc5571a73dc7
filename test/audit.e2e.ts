import { afterEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { AuditEntity } from '../src/audit/audit.entity.js';
import { DatabaseError } from '../src/database/database-error.js';
import { FETCH_PATH, Pair } from './support/pair.js';
import { ADMIN_KEY, APP_ID, CLIENT_KEY } from './support/service.js';

let pair: Pair;
afterEach(() => pair.close());

const REFRESH = `/v1/admin/accounts/${APP_ID}/access-token/refresh`;

function rows(): Promise<AuditEntity[]> {
  return pair.service.app
    .get(DataSource)
    .getRepository(AuditEntity)
    .find({ order: { at: 'ASC' } });
}

/** Statements that look like this fail, as with a connection that breaks. */
function lose(pattern: RegExp): void {
  const source = pair.service.app.get(DataSource);
  const createQueryRunner = source.createQueryRunner.bind(source);
  source.createQueryRunner = (mode) => {
    const runner = createQueryRunner(mode);
    const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<unknown>;
    return Object.assign(runner, {
      query: (sql: string, ...rest: unknown[]) =>
        pattern.test(sql)
          ? Promise.reject(new DatabaseError('ECONNRESET', 'lost by the test'))
          : query(sql, ...rest),
    });
  };
}

describe('an action of an admin', () => {
  it('leaves one row: who, what, on which account, from where, and how it ended', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    await pair.pass(60);
    const beforeMs = Date.now() + 60_000 - 5_000;
    const answer = await pair.service.call('POST', REFRESH, {
      key: ADMIN_KEY,
      headers: { 'x-request-id': 'ticket-4711' },
      body: { reason: 'the allow list was changed' },
    });
    expect(answer.status).toBe(200);
    const [row, ...others] = await rows();
    expect(others).toEqual([]);
    expect(row).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      at: expect.any(Number),
      actor: 'admin',
      action: 'token.refresh',
      appId: APP_ID,
      target: null,
      outcome: 'ok',
      source: '127.0.0.1',
      requestId: 'ticket-4711',
      versionBefore: 1,
      versionAfter: 2,
      replica: expect.stringMatching(new RegExp(`:${process.pid}$`)),
      reason: 'the allow list was changed',
    });
    expect(row?.at).toBeGreaterThanOrEqual(beforeMs);
  });

  it('that the request spoilt is refused, with the code', async () => {
    pair = await Pair.start();
    const unknown = REFRESH.replace(APP_ID, 'wxffffffffffffffff');
    await pair.service.call('POST', unknown, { key: ADMIN_KEY });
    await pair.service.adminRefresh({ forse: true });
    await pair.service.adminRefresh({ force: 'yes', reason: 'x'.repeat(10_000) });
    await pair.service.adminRefresh({ force: 'yes', reason: 'a\u0000b \ud83d' });
    expect((await rows()).map(({ appId, outcome }) => [appId, outcome])).toEqual([
      ['wxffffffffffffffff', 'refused:account_not_found'],
      [APP_ID, 'refused:validation_failed'],
      [APP_ID, 'refused:validation_failed'],
      [APP_ID, 'refused:validation_failed'],
    ]);
  });

  it('that failed says by what', async () => {
    pair = await Pair.start();
    await pair.pass(60);
    await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'errcode', errcode: 40125 });
    expect((await pair.service.adminRefresh()).status).toBe(502);
    expect(await rows()).toMatchObject([
      { outcome: 'failed:wechat_error', versionBefore: 1, versionAfter: null },
    ]);
  });

  it('does not happen when its row cannot be written: 503, and WeChat sees nothing', async () => {
    pair = await Pair.start();
    await pair.pass(60);
    const calls = await pair.wechat.countCalls();
    lose(/INSERT INTO .?wtc_audit\b/i);
    const answer = await pair.service.adminRefresh({ force: true });
    expect(answer.status).toBe(503);
    expect(answer.body.code).toBe('database_unavailable');
    // Advice that can be followed: /readyz is ready all the while, since the readers are served.
    expect(answer.body.detail).toMatch(
      /^Nothing was done, because the audit entry could not be stored: .+\. Repeat the request once the database accepts writes again\.$/,
    );
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await pair.wechat.countCalls()).toBe(calls);
    expect(await rows()).toEqual([]);
  });

  it('whose row cannot be closed is answered all the same; the log says how it ended', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    await pair.pass(60);
    lose(/UPDATE .?wtc_audit\b/i);
    expect((await pair.service.adminRefresh()).status).toBe(200);
    const [row] = await rows();
    expect(row?.outcome).toBe('started');
    expect(pair.service.events('audit_not_closed')).toMatchObject([
      { audit_id: row?.id, outcome: 'ok', reason: 'ECONNRESET' },
    ]);
  });

  it('leaves none for a key that may not do it', async () => {
    pair = await Pair.start();
    expect((await pair.service.call('POST', REFRESH)).status).toBe(401);
    expect((await pair.service.call('POST', REFRESH, { key: CLIENT_KEY })).status).toBe(403);
    expect(await rows()).toEqual([]);
  });
});
