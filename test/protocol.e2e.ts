import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import {
  CredentialRepository,
  type ClaimTerms,
} from '../src/wechat/credentials/credential.repository.js';
import type { CredentialEntity } from '../src/wechat/credentials/credential.entity.js';
import { CredentialStore } from '../src/wechat/credentials/credential-store.js';
import { RefreshHistoryRepository } from '../src/wechat/refresh-history/refresh-history.repository.js';
import type { Credential } from '../src/wechat/credentials/credential.js';
import { FETCH_PATH, Pair, PROBE_PATH, type Mode } from './support/pair.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { APP_ID, startService, type Service } from './support/service.js';

let database: TestDatabase;
let pair: Pair;
let others: Service[];

beforeEach(async () => {
  database = await createDatabase();
  others = [];
});

afterEach(async () => {
  for (const other of others) {
    await other.close();
  }
  await pair.close();
  await database.remove();
});

async function start(mode: Mode): Promise<void> {
  pair = await Pair.start({ mode, environment: { DATABASE_URL: database.url } });
}

/** Another process of the same service, as far as the database can tell. */
async function another(mode: Mode): Promise<Service> {
  const service = await startService(pair.wechat, {
    DATABASE_URL: database.url,
    WECHAT_TOKEN_MODE: mode,
  });
  others.push(service);
  await service.ready();
  return service;
}

function slotOf(service: Service): Credential {
  const slot = service.app.get(CredentialStore).find(APP_ID, 'access_token');
  if (slot === undefined) {
    throw new Error('the credential is not loaded');
  }
  return slot;
}

function repositoryOf(service: Service): CredentialRepository {
  return service.app.get(CredentialRepository);
}

/** The terms of a claim that nothing stands against. */
function terms(row: CredentialEntity, changes: Partial<ClaimTerms> = {}): ClaimTerms {
  return {
    owner: randomUUID(),
    fence: row.fence + 1,
    leaseMs: 45_000,
    floorMs: 5_000,
    ledger: { intervalMs: 432_000, capacityMs: 25_920_000, roomMs: 25_920_000 },
    forced: false,
    forcedAt: '',
    configVersion: row.configVersion,
    callsDay: 20_000,
    ...changes,
  };
}

async function rowOf(service: Service): Promise<CredentialEntity> {
  const row = await service.app.get(CredentialRepository).load(slotOf(service).row.id);
  if (row === null) {
    throw new Error('the row is gone');
  }
  return row;
}

describe('the claim', () => {
  it('is won by one of many who saw the same row', async () => {
    await start('legacy');
    await pair.pass(60);
    const row = await rowOf(pair.service);
    const claims = await Promise.all(
      Array.from({ length: 20 }, () => repositoryOf(pair.service).claim(row, terms(row))),
    );
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  it('is refused while a lease runs, and granted when it is over', async () => {
    await start('legacy');
    await pair.pass(60);
    const repository = repositoryOf(pair.service);
    const row = await rowOf(pair.service);
    expect(await repository.claim(row, terms(row, { floorMs: 0 }))).toBe(true);
    const leased = await rowOf(pair.service);
    expect(leased.leaseUntil - leased.claimedAt).toBe(45_000);
    expect(await repository.claim(leased, terms(leased, { floorMs: 0 }))).toBe(false);
    await pair.pass(44);
    expect(await repository.claim(leased, terms(leased, { floorMs: 0 }))).toBe(false);
    await pair.pass(1);
    expect(await repository.claim(leased, terms(leased, { floorMs: 0 }))).toBe(true);
  });

  it('is refused within the floor after the last attempt', async () => {
    await start('legacy');
    const row = await rowOf(pair.service);
    expect(await repositoryOf(pair.service).claim(row, terms(row))).toBe(false);
    await pair.pass(5);
    expect(await repositoryOf(pair.service).claim(row, terms(row))).toBe(true);
  });

  it('is refused when the ledger has no room, and an admin is only counted', async () => {
    await start('legacy');
    await pair.pass(60);
    const repository = repositoryOf(pair.service);
    const row = await rowOf(pair.service);
    const full = { intervalMs: 432_000, capacityMs: 432_000, roomMs: 432_000 };
    expect(await repository.claim(row, terms(row, { ledger: full }))).toBe(false);
    const admin = { ...full, roomMs: undefined };
    expect(await repository.claim(row, terms(row, { ledger: admin }))).toBe(true);
    // Counted, but never further ahead than the bucket is deep: the schedule is not starved by it.
    const after = await rowOf(pair.service);
    expect(after.ledgerFullAt - after.claimedAt).toBe(432_000);
  });

  it('is refused to who saw an older version or an older fence', async () => {
    await start('legacy');
    await pair.pass(60);
    const row = await rowOf(pair.service);
    await pair.service.adminRefresh();
    await pair.pass(60);
    expect(await repositoryOf(pair.service).claim(row, terms(row))).toBe(false);
  });

  it('marks the row suspect when its last holder died, at the time of that attempt', async () => {
    await start('legacy');
    await pair.pass(60);
    const repository = repositoryOf(pair.service);
    const first = await rowOf(pair.service);
    await repository.claim(first, terms(first));
    const abandoned = await rowOf(pair.service);
    await pair.pass(46);
    await repository.claim(abandoned, terms(abandoned));
    const claimed = await rowOf(pair.service);
    expect(claimed.suspectAt).toBe(abandoned.claimedAt);
    expect(claimed.unknownOutcomes).toBe(1);
    // A later claim does not move it.
    await pair.pass(46);
    await repository.claim(claimed, terms(claimed));
    const again = await rowOf(pair.service);
    expect(again.suspectAt).toBe(abandoned.claimedAt);
    expect(again.unknownOutcomes).toBe(2);
  });

  it('marks the value dead when the holder that died had forced', async () => {
    await start('stable');
    await pair.pass(60);
    const repository = repositoryOf(pair.service);
    const first = await rowOf(pair.service);
    await repository.claim(first, terms(first, { forced: true }));
    const abandoned = await rowOf(pair.service);
    await pair.pass(46);
    await repository.claim(abandoned, terms(abandoned));
    const claimed = await rowOf(pair.service);
    expect(claimed.deadAt).toBe(abandoned.claimedAt);
    expect(claimed.suspectAt).toBeNull();
  });
});

describe('the fence', () => {
  it('drops what a holder brings after another one has claimed, and marks the row suspect', async () => {
    await start('legacy');
    await pair.pass(60);
    const repository = repositoryOf(pair.service);
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'delay', delayMs: 500 });
    const refreshed = pair.service.adminRefresh(undefined, '?wait=0');
    await pair.wechat.untilCalls({ path: FETCH_PATH.legacy, outcome: 'in_flight' });
    // While WeChat takes its time, the lease runs out and somebody else claims.
    pair.service.advance(10_000);
    const row = await rowOf(pair.service);
    const mine = terms(row);
    expect(await repository.claim(row, mine)).toBe(true);
    await refreshed;
    await pair.service.tick();

    expect(pair.service.events('fenced_off')).toHaveLength(1);
    const after = await rowOf(pair.service);
    expect(after.version).toBe(row.version);
    expect(after.owner).toBe(mine.owner);
    expect(after.suspectAt).toBe(row.claimedAt);
    // It was never served, so no version would go back.
    expect(slotOf(pair.service).facts.pending).toBeUndefined();
    expect(slotOf(pair.service).version).toBe(row.version);
  });

  it('refuses a failure and a release of a claim that is over', async () => {
    await start('legacy');
    await pair.pass(60);
    const repository = repositoryOf(pair.service);
    const row = await rowOf(pair.service);
    const stale = terms(row);
    await repository.claim(row, stale);
    await pair.pass(46);
    const claimed = await rowOf(pair.service);
    await repository.claim(claimed, terms(claimed));
    const claim = { id: row.id, owner: stale.owner, fence: stale.fence };
    expect(await repository.release(claim)).toBe(false);
    const value = {
      value: 'x',
      previousHash: null,
      overlapMs: 1,
      expiresAtMs: 1,
      lifetimeMs: 1,
      nextAttemptAtMs: 1,
    };
    expect(await repository.commit(claim, value)).toBe(false);
    expect(await repository.commitSame(claim, { ...value, version: 1 })).toBe(false);
  });
});

describe('two processes on one database', () => {
  it('a token is fetched by one of them, and the other adopts it', async () => {
    await start('legacy');
    const other = await another('legacy');
    expect(await pair.fetchCount()).toBe(1);
    expect((await other.read()).body.access_token).toBe(await pair.token());

    await pair.wechat.advance(4_801_000);
    pair.service.advance(4_801_000);
    other.advance(4_801_000);
    await Promise.all([pair.service.poll(), other.poll()]);
    await Promise.all([pair.service.tick(), other.tick()]);
    await Promise.all([pair.service.poll(), other.poll()]);
    expect(await pair.fetchCount()).toBe(2);
    const { body } = await other.read();
    expect(body.access_token).toBe(await pair.token());
    expect(body.version).toBe(2);
  });

  it('a token that one condemned is not served by the other', async () => {
    await start('stable');
    const other = await another('stable');
    const token = await pair.token();
    await pair.wechat.killToken(token);
    await pair.wechat.fault({
      path: FETCH_PATH.stable,
      kind: 'errcode',
      errcode: 40164,
      times: 'always',
    });
    await pair.service.report({ access_token: token }, '?wait=0');
    await other.poll();
    expect((await other.read('?wait=0')).status).toBe(503);
  });

  it('a report to the one of a token that the other has replaced: superseded, without a poll', async () => {
    await start('legacy');
    const other = await another('legacy');
    const token = await pair.token();
    await pair.pass(6);
    other.advance(6_000);
    expect((await pair.service.adminRefresh()).status).toBe(200);
    const { body } = await other.report({ access_token: token });
    expect(body).toMatchObject({ outcome: 'superseded', version: 2 });
    expect(await pair.probeCount()).toBe(0);
  });
});

describe('a process that dies between the claim and the commit', () => {
  it.each<Mode>(['legacy', 'stable'])(
    '%s: the next one refreshes when the lease is over',
    async (mode) => {
      await start(mode);
      await pair.pass(60);
      const row = await rowOf(pair.service);
      // What the process that died had done: the claim, and with WeChat's help the fetch.
      expect(await repositoryOf(pair.service).claim(row, terms(row))).toBe(true);
      await pair.service.poll();
      await pair.later(44);
      expect(await pair.fetchCount()).toBe(1);
      expect((await pair.service.read()).status).toBe(200);
      await pair.later(2);
      expect(await pair.fetchCount()).toBe(2);
      const { body } = await pair.service.read();
      expect(body.expires_in).toBeGreaterThan(7_000);
      expect(await pair.accepts(body.access_token)).toBe(true);
    },
  );
});

describe('while the database is away', () => {
  const leave = (): Promise<void> => pair.service.app.get(DataSource).destroy();
  const comeBack = async (): Promise<void> => {
    await pair.service.app.get(DataSource).initialize();
  };

  it('a fetched token is served from memory, and stored when it is back', async () => {
    await start('legacy');
    await pair.pass(60);
    const first = await pair.token();
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'delay', delayMs: 300 });
    const refreshed = pair.service.adminRefresh();
    await pair.wechat.untilCalls({ path: FETCH_PATH.legacy, outcome: 'in_flight' });
    await leave();
    expect((await refreshed).status).toBe(200);
    const held = await pair.service.read();
    expect(held.body.access_token).not.toBe(first);
    expect(held.body.version).toBe(2);
    await pair.service.poll();
    expect((await pair.service.read()).body.version).toBe(2);

    await comeBack();
    expect((await rowOf(pair.service)).version).toBe(1);
    await pair.service.poll();
    expect((await rowOf(pair.service)).version).toBe(2);
    expect(await pair.token()).toBe(held.body.access_token);
    expect(await pair.fetchCount()).toBe(2);
  });

  it('legacy: nothing is fetched; memory is served for 270 s, then only what WeChat accepts', async () => {
    await start('legacy');
    const token = await pair.token();
    await leave();
    await pair.wechat.advance(269_000);
    pair.service.advance(269_000);
    expect(await pair.token()).toBe(token);
    await pair.wechat.advance(2_000);
    pair.service.advance(2_000);
    expect((await pair.service.read('?wait=0')).status).toBe(503);
    await pair.service.poll();
    await pair.wechat.untilCalls({ path: PROBE_PATH, outcome: 'answered' });
    expect((await pair.service.read()).body.access_token).toBe(token);
    expect(await pair.fetchCount()).toBe(1);
    await comeBack();
  });

  it('stable: the last two minutes are not let pass, and the token is stored later', async () => {
    await start('stable');
    const first = await pair.token();
    await leave();
    await pair.later(6_950);
    expect(await pair.fetchCount()).toBe(1);
    await pair.later(150);
    expect(await pair.fetchCount()).toBe(2);
    const held = await pair.service.read();
    expect(held.body.access_token).not.toBe(first);

    await comeBack();
    await pair.service.poll();
    await pair.later(3);
    expect(await pair.fetchCount()).toBe(3);
    const stored = await pair.service.read();
    expect(stored.body.access_token).toBe(held.body.access_token);
    expect(stored.body.version).toBeGreaterThanOrEqual(held.body.version);
    expect((await rowOf(pair.service)).version).toBe(stored.body.version);
  });

  it('a report is answered by memory when it says superseded, else 503', async () => {
    await start('stable');
    const token = await pair.token();
    await leave();
    const old = await pair.service.report({ access_token: 'one_of_yesterday' });
    expect(old.body).toMatchObject({ outcome: 'superseded', access_token: token });
    const current = await pair.service.report({ access_token: token });
    expect(current.status).toBe(503);
    expect(current.body.code).toBe('database_unavailable');
    expect(await pair.token()).toBe(token);

    // What WeChat refuses is not handed out any more, though it cannot be replaced yet.
    await pair.pass(3);
    await pair.wechat.killToken(token);
    expect((await pair.service.report({ access_token: token })).status).toBe(503);
    expect((await pair.service.read('?wait=0')).status).toBe(503);
    expect(await pair.fetchCount()).toBe(1);
    await comeBack();
    await pair.later(3);
    expect(await pair.token()).not.toBe(token);
  });

  it('an admin refresh asks nothing of WeChat', async () => {
    await start('stable');
    await pair.pass(60);
    await leave();
    const { status, body } = await pair.service.adminRefresh();
    expect(status).toBe(503);
    expect(body.code).toBe('database_unavailable');
    expect(body.detail).not.toContain('/readyz');
    expect(await pair.fetchCount()).toBe(1);
    await comeBack();
  });
});

it('a row behind memory is not believed: the newer token is served until a new one is stored', async () => {
  await start('legacy');
  await pair.pass(60);
  const backup = await rowOf(pair.service);
  await pair.service.adminRefresh();
  const newer = await pair.token();
  const source = pair.service.app.get(DataSource);
  await source.getRepository('wtc_credential').update({ id: backup.id }, backup);
  await pair.service.poll();
  expect(pair.service.events('row_behind_memory')).toHaveLength(1);
  const { body } = await pair.service.read();
  expect(body.access_token).toBe(newer);
  expect(body.version).toBe(2);

  await pair.later(6);
  const settled = await pair.service.read();
  expect(settled.body.version).toBeGreaterThan(2);
  expect(await pair.accepts(settled.body.access_token)).toBe(true);
});

it.each(['legacy', 'stable'] as const)(
  'a database restored to the same version of a %s token is adopted, and refreshed without a restart',
  async (mode) => {
    await start(mode);
    await pair.pass(60);
    const backup = await rowOf(pair.service);
    await pair.wechat.fault({ path: FETCH_PATH[mode], kind: 'errcode', errcode: -1, times: 1 });
    expect((await pair.service.adminRefresh()).status).toBe(502);
    const before = await rowOf(pair.service);
    expect(before.version).toBe(backup.version);
    expect(before.fence).toBeGreaterThan(backup.fence);
    expect(before.revision).toBeGreaterThan(backup.revision);
    const token = await pair.token();

    const source = pair.service.app.get(DataSource);
    await source.getRepository('wtc_credential').update({ id: backup.id }, backup);
    await source.query(`DELETE FROM wtc_refresh_history WHERE fence > ${backup.fence}`);
    await pair.pass(6);
    expect(await pair.token()).toBe(token);
    expect((await pair.service.adminRefresh()).status).toBe(200);
    expect(await pair.accepts(await pair.token())).toBe(true);
    expect(pair.service.events('row_behind_memory')).toHaveLength(1);
  },
);

it('a row that is gone is made again, and filled', async () => {
  await start('stable');
  await pair.pass(60);
  await pair.service.app.get(DataSource).query('DELETE FROM wtc_credential');
  await pair.service.poll();
  await pair.later(3);
  const { status, body } = await pair.service.read();
  expect(status).toBe(200);
  expect(await pair.accepts(body.access_token)).toBe(true);
  expect((await rowOf(pair.service)).version).toBe(body.version);
});

it('a value that no key opens blocks the account, and is not fetched over silently', async () => {
  await start('stable');
  const source = pair.service.app.get(DataSource);
  const row = await rowOf(pair.service);
  const sealed = (row.value ?? '').replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'));
  await source.query(`UPDATE wtc_credential SET value = '${sealed}', revision = revision + 1`);
  await pair.service.poll();
  await pair.later(6_950);
  expect(await pair.fetchCount()).toBe(1);
  expect((await pair.service.read('?wait=0')).status).toBe(503);
  expect(await pair.service.state()).toMatchObject({
    state: 'blocked',
    last_error: { advice: expect.stringContaining('ENCRYPTION_PREVIOUS_KEYS') },
  });
  // An admin says that it may be replaced.
  expect((await pair.service.adminRefresh()).status).toBe(200);
  expect((await pair.service.read()).status).toBe(200);
});

describe('the history', () => {
  const history = (): Promise<Record<string, unknown>[]> =>
    pair.service.app
      .get(DataSource)
      .query(
        'SELECT fence, cause, forced, outcome, code, errcode FROM wtc_refresh_history ORDER BY fence',
      );

  it('has a row for each refresh, closed with how it ended', async () => {
    await start('stable');
    await pair.pass(60);
    await pair.service.adminRefresh();
    await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'errcode', errcode: 40164 });
    await pair.pass(60);
    await pair.service.adminRefresh({ force: true });
    const rows = await history();
    expect(rows.map((row) => ({ ...row, fence: Number(row.fence) }))).toEqual([
      { fence: 1, cause: 'schedule', forced: 0, outcome: 'committed', code: null, errcode: null },
      { fence: 2, cause: 'admin', forced: 0, outcome: 'unchanged', code: null, errcode: null },
      {
        fence: 3,
        cause: 'admin',
        forced: 1,
        outcome: 'failed',
        code: 'wechat_error',
        errcode: 40164,
      },
    ]);
  });

  it('of a process that died is closed by the next claim', async () => {
    await start('legacy');
    await pair.pass(60);
    const row = await rowOf(pair.service);
    const died = terms(row);
    await repositoryOf(pair.service).claim(row, died);
    await pair.service.app.get(RefreshHistoryRepository).open(
      { id: row.id, ...died },
      {
        appId: APP_ID,
        kind: 'access_token',
        cause: 'schedule',
        forced: false,
        versionBefore: 0,
        origin: undefined,
        startedAtMs: 1,
      },
    );
    await pair.service.poll();
    await pair.later(46);
    expect((await history()).map(({ outcome }) => outcome)).toEqual([
      'committed',
      'abandoned',
      'committed',
    ]);
  });
});
