import { afterEach, describe, expect, it } from '@jest/globals';
import { FETCH_PATH, Pair, PROBE_PATH, type Mode } from './support/pair.js';
import { APP_ID } from './support/service.js';

let pair: Pair;
afterEach(() => pair.close());

describe.each<Mode>(['stable', 'legacy'])('a report of a %s token', (mode) => {
  it('that is not the current one: superseded, without a call', async () => {
    pair = await Pair.start({ mode });
    const old = await pair.token();
    await pair.later(6_930);
    await pair.later(10);
    const current = await pair.token();
    const before = await pair.wechat.lastSeq();
    const { status, body, headers } = await pair.service.report({
      access_token: old,
      errcode: 42001,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ outcome: 'superseded', access_token: current });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(await pair.wechat.countCalls({ since: before })).toBe(0);
  });

  it('that WeChat accepts: still_valid, by one probe that reports within 2 s share', async () => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    const first = await pair.service.report({ access_token: token, errcode: 40001 });
    expect(first.body).toMatchObject({ outcome: 'still_valid', access_token: token, version: 1 });
    await pair.service.report({ version: 1 });
    expect(await pair.probeCount()).toBe(1);
    await pair.pass(3);
    await pair.service.report({ version: 1 });
    expect(await pair.probeCount()).toBe(2);
    expect(await pair.fetchCount()).toBe(1);
  });

  it('that is dead: refreshed, by one probe and one fetch', async () => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    await pair.pass(60);
    await pair.wechat.killToken(token);
    const { status, body } = await pair.service.report({ access_token: token, errcode: 40001 });
    expect(status).toBe(200);
    expect(body.outcome).toBe('refreshed');
    expect(body.access_token).not.toBe(token);
    expect(body.version).toBeGreaterThan(1);
    expect(await pair.accepts(body.access_token)).toBe(true);
    expect(await pair.probeCount()).toBe(1);
    expect(await pair.fetchCount()).toBe(2);
  });

  it('500 at once of a dead token: one probe, one fetch, the same new token for all', async () => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    await pair.pass(60);
    await pair.wechat.killToken(token);
    const answers = await Promise.all(
      Array.from({ length: 500 }, () => pair.service.report({ access_token: token })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const tokens = new Set(answers.map(({ body }) => body.access_token));
    expect(tokens.size).toBe(1);
    expect(tokens.has(token)).toBe(false);
    expect(await pair.probeCount()).toBe(1);
    expect(await pair.fetchCount()).toBe(2);
  });

  it('that WeChat does not decide: unverified, and the token is served on', async () => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    await pair.wechat.fault({ path: PROBE_PATH, kind: 'status', status: 502 });
    const { body } = await pair.service.report({ access_token: token });
    expect(body).toMatchObject({ outcome: 'unverified', access_token: token });
    expect(await pair.fetchCount()).toBe(1);
  });

  it('is not believed when the probe is refused for another reason', async () => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    await pair.wechat.fault({ path: PROBE_PATH, kind: 'errcode', errcode: 40164 });
    const { body } = await pair.service.report({ access_token: token, errcode: 40164 });
    expect(body.outcome).toBe('unverified');
    expect(await pair.fetchCount()).toBe(1);
  });

  it('asks get_api_domain_ip when the quota of the probe is used up', async () => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    await pair.wechat.fault({ path: PROBE_PATH, kind: 'errcode', errcode: 45009 });
    const { body } = await pair.service.report({ access_token: token });
    expect(body.outcome).toBe('still_valid');
    expect(await pair.wechat.countCalls({ path: '/cgi-bin/get_api_domain_ip' })).toBe(1);
  });

  it('of a dead token that cannot be replaced: 503 with what WeChat said', async () => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    await pair.pass(60);
    await pair.wechat.killToken(token);
    await pair.wechat.fault({ path: FETCH_PATH[mode], kind: 'errcode', errcode: 40164 });
    const { status, body, headers } = await pair.service.report({ access_token: token });
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'token_unavailable', upstream: { errcode: 40164 } });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(290);
    expect((await pair.service.read('?wait=0')).status).toBe(503);
    expect(await pair.service.state()).toMatchObject({ state: 'blocked' });
  });

  it('right after a fetch waits for the floor, within its wait', async () => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    await pair.wechat.killToken(token);
    const impatient = await pair.service.report({ access_token: token }, '?wait=0');
    expect(impatient.status).toBe(503);
    expect(await pair.fetchCount()).toBe(1);
    const patient = await pair.service.report({ access_token: token }, '?wait=10');
    expect(patient.body.outcome).toBe('refreshed');
    const [first, second] = await pair.fetches();
    const apartMs = Date.parse(second!.startedAt) - Date.parse(first!.startedAt);
    expect(apartMs).toBeGreaterThanOrEqual(mode === 'stable' ? 1_990 : 4_990);
  });
});

it('reports do not pass over the pause after a failure that an operator must mend', async () => {
  pair = await Pair.start();
  const token = await pair.token();
  await pair.pass(60);
  await pair.wechat.killToken(token);
  await pair.wechat.fault({
    path: FETCH_PATH.stable,
    kind: 'errcode',
    errcode: 40125,
    times: 'always',
  });
  for (let report = 0; report < 6; report += 1) {
    const { status } = await pair.service.report({ access_token: token }, '?wait=3');
    expect(status).toBe(503);
    await pair.pass(3);
  }
  expect(await pair.fetchCount()).toBe(2);
});

it('a dead token is never served again, though WeChat cannot give another', async () => {
  pair = await Pair.start({ mode: 'legacy' });
  const token = await pair.token();
  await pair.pass(60);
  await pair.wechat.killToken(token);
  await pair.wechat.fault({
    path: FETCH_PATH.legacy,
    kind: 'errcode',
    errcode: -1,
    times: 'always',
  });
  await pair.service.report({ access_token: token }, '?wait=0');
  const state = await pair.service.state();
  expect(state).toMatchObject({ state: 'dead', foreign_rotations: 1 });
  expect((await pair.service.read('?wait=0')).status).toBe(503);
});

it('a token that dies early and that nobody here replaced is a foreign rotation', async () => {
  pair = await Pair.start({ mode: 'legacy' });
  const token = await pair.token();
  await pair.pass(60);
  await pair.wechat.mintAsForeigner(APP_ID);
  await pair.pass(301);
  const { body } = await pair.service.report({ access_token: token, errcode: 40001 });
  expect(body.outcome).toBe('refreshed');
  expect(pair.service.events('foreign_rotation')).toHaveLength(1);
  expect(await pair.service.state()).toMatchObject({ foreign_rotations: 1 });
});

it('stable: a dead token that an unforced fetch returns again is replaced by one forced fetch', async () => {
  pair = await Pair.start();
  const token = await pair.token();
  await pair.pass(60);
  await pair.wechat.killToken(token, { stillHandedOut: true });
  const { body } = await pair.service.report({ access_token: token });
  expect(body.outcome).toBe('refreshed');
  expect(body.access_token).not.toBe(token);
  const calls = await pair.fetches();
  expect(calls.map(({ forced }) => forced)).toEqual([false, false, true]);
});

it('reports leave the last third of the ledger to the schedule', async () => {
  pair = await Pair.start({ mode: 'legacy' });
  const reportDead = async (): Promise<number> => {
    const token = await pair.token();
    await pair.pass(6);
    await pair.wechat.killToken(token);
    return (await pair.service.report({ access_token: token }, '?wait=1')).status;
  };
  for (let used = 1; used < 40; used += 1) {
    expect(await reportDead()).toBe(200);
  }
  expect(await reportDead()).toBe(503);
  expect(await pair.fetchCount()).toBe(40);
  // The schedule still has its 20, and takes one at once.
  await pair.later(1);
  expect(await pair.fetchCount()).toBe(41);
  expect((await pair.service.read()).status).toBe(200);
}, 60_000);
