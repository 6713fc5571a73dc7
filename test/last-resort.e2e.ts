import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Clock } from '../src/time/clock.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { FETCH_PATH, Pair, PROBE_PATH } from './support/pair.js';
import { startService, type Service } from './support/service.js';

/*
 * A replica that lost the database near the end of a stable token fetched the next one without a claim,
 * under a version of its own. Meanwhile the others went on: WeChat gave them the same token, under another
 * version. What they learn of it counts here too.
 */

/** Of 7,200: so little is left that one is fetched without a claim. */
const LATE_SECONDS = 7_100;

let database: TestDatabase;
let pair: Pair;
let cutOff: Service;
let other: Service;
let held: { token: string; version: number };

beforeEach(async () => {
  database = await createDatabase();
  pair = await Pair.start({ mode: 'stable', environment: { DATABASE_URL: database.url } });
  cutOff = pair.service;
  const environment = { DATABASE_URL: database.url, WECHAT_TOKEN_MODE: 'stable' };
  other = await startService(pair.wechat, environment);
  other.advance(cutOff.app.get(Clock).offsetMs);
  await other.ready();
  for (const service of [cutOff, other]) {
    service.stopCron();
  }

  await cutOff.app.get(DataSource).destroy();
  await pair.later(LATE_SECONDS);
  const { body } = await cutOff.read('?wait=0');
  held = { token: body.access_token, version: body.version };
  other.advance(LATE_SECONDS * 1_000);
  await other.poll();
  await other.tick();
});

afterEach(async () => {
  await other.close();
  await pair.close();
  await database.remove();
});

/** The database is back; WeChat answers nobody, unless it is well. */
async function comeBack({ wechatIsWell = false } = {}): Promise<void> {
  if (!wechatIsWell) {
    await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'reset_before', times: 'always' });
    await pair.wechat.fault({ path: PROBE_PATH, kind: 'reset_before', times: 'always' });
  }
  await cutOff.app.get(DataSource).initialize();
  await cutOff.poll();
}

async function later(seconds: number): Promise<void> {
  other.advance(seconds * 1_000);
  await pair.later(seconds);
  await other.poll();
}

it('both hold the same token, each under a version of its own', async () => {
  const { body } = await other.read('?wait=0');
  expect(body.access_token).toBe(held.token);
  expect(body.version).not.toBe(held.version);
  expect(await pair.fetchCount()).toBe(3);
});

it('its death, found by another replica, counts here as well', async () => {
  await pair.wechat.killToken(held.token);
  await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'reset_before', times: 'always' });
  const reported = await other.report({ access_token: held.token }, '?wait=0');
  expect(reported.body.code).toBe('token_unavailable');

  expect(await pair.token()).toBe(held.token);
  await comeBack();
  expect((await cutOff.read('?wait=0')).body.code).toBe('token_unavailable');
});

it('its death, found here, counts for the other replicas', async () => {
  await comeBack({ wechatIsWell: true });
  await pair.wechat.killToken(held.token);
  await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'reset_before', times: 'always' });
  await cutOff.report({ access_token: held.token }, '?wait=0');
  await other.poll();
  expect((await other.read('?wait=0')).body.code).toBe('token_unavailable');
});

it('what another replica fetched after it may have ended it: it is not served unless WeChat accepts it', async () => {
  await later(60);
  expect((await other.adminRefresh({ force: true })).body).toMatchObject({ rotated: true });
  // How long the old one works after a forced refresh is not told: here no longer.
  await pair.wechat.killToken(held.token);

  await comeBack();
  expect((await cutOff.read('?wait=0')).body.code).toBe('token_unavailable');
  await pair.wechat.clearFaults();
  await later(10);
  const { body } = await cutOff.read('?wait=0');
  expect(await pair.accepts(body.access_token)).toBe(true);
  expect(body.version).toBeGreaterThan(held.version);
});

it('is stored by one fetch, under a version that both know from then on', async () => {
  await comeBack({ wechatIsWell: true });
  for (let round = 0; round < 10; round += 1) {
    await later(10);
  }
  const answers = await Promise.all([cutOff, other].map((service) => service.read('?wait=0')));
  const versions = answers.map(({ body }) => body.version);
  expect(answers.map(({ body }) => body.access_token)).toEqual([held.token, held.token]);
  expect(versions[0]).toBeGreaterThan(held.version);
  expect(versions[1]).toBe(versions[0]);
  expect(await pair.fetchCount()).toBe(4);
});
