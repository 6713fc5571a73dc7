import { afterEach, describe, expect, it } from '@jest/globals';
import { FETCH_PATH, Pair, pauseSeconds, PROBE_PATH, type Mode } from './support/pair.js';
import { APP_ID, APP_SECRET } from './support/service.js';
import type { NewFault } from './support/simulator.js';

let pair: Pair;
afterEach(() => pair.close());

/** Name, fault, contract's code, state that an admin sees, seconds to the next attempt. */
type Row = [name: string, fault: Strike, code: string, state: string, pauseSeconds: number];
type Strike = Record<string, unknown> & { kind: NewFault['kind'] };

const errcode = (value: number): Strike => ({ kind: 'errcode', errcode: value });
const expiresIn = (value?: unknown): Strike => ({ kind: 'expires_in', value });

/**
 * The table "When it fails", for a first failure of a token with 280 s (stable) or 2,400 s (legacy) left.
 * A first transient pause is jittered between the floor and 2 s: in both modes that is the floor.
 */
const ROWS: Record<Mode, Row[]> = {
  stable: [
    ['-1', errcode(-1), 'wechat_error', 'due', 2],
    ['412', { kind: 'status', status: 412 }, 'wechat_error', 'due', 2],
    ['404', { kind: 'status', status: 404 }, 'wechat_error', 'due', 2],
    ['a redirect', { kind: 'redirect' }, 'wechat_error', 'due', 2],
    ['500', { kind: 'status', status: 500 }, 'wechat_error', 'due', 2],
    ['a reset after bytes were sent', { kind: 'reset_before' }, 'wechat_unreachable', 'due', 2],
    ['no answer in time', { kind: 'hang' }, 'wechat_timeout', 'due', 2],
    ['an HTML page', { kind: 'html' }, 'wechat_error', 'due', 2],
    ['a broken answer', { kind: 'truncated', contentLength: 'cut' }, 'wechat_error', 'due', 2],
    ['an answer over 1 MiB', { kind: 'oversized' }, 'wechat_error', 'due', 2],
    ['no expires_in', expiresIn(), 'wechat_error', 'due', 2],
    ['expires_in "2 h"', expiresIn('2 h'), 'wechat_error', 'due', 2],
    ['expires_in -1', expiresIn(-1), 'wechat_error', 'due', 2],
    ['expires_in of 25 h', expiresIn(90_000), 'wechat_error', 'due', 2],
    ['45011', errcode(45011), 'wechat_error', 'due', 60],
    ['45009', errcode(45009), 'wechat_error', 'due', 3_600],
    ['40001', errcode(40001), 'wechat_error', 'blocked', 300],
    ['40125', errcode(40125), 'wechat_error', 'blocked', 300],
    ['40013', errcode(40013), 'wechat_error', 'blocked', 300],
    ['40164', errcode(40164), 'wechat_error', 'blocked', 300],
    ['40243', errcode(40243), 'wechat_error', 'blocked', 300],
    ['50004', errcode(50004), 'wechat_error', 'blocked', 300],
    ['50007', errcode(50007), 'wechat_error', 'blocked', 300],
    ['61024', errcode(61024), 'wechat_error', 'blocked', 300],
    ['89501', errcode(89501), 'wechat_error', 'blocked', 300],
    ['89503', errcode(89503), 'wechat_error', 'blocked', 300],
    ['89507', errcode(89507), 'wechat_error', 'blocked', 3_600],
    ['89506', errcode(89506), 'wechat_error', 'blocked', 86_400],
    ['an errcode that nobody knows', errcode(99_999), 'wechat_error', 'blocked', 300],
  ],
  legacy: [
    ['-1', errcode(-1), 'wechat_error', 'due', 5],
    ['412', { kind: 'status', status: 412 }, 'wechat_error', 'due', 5],
    ['500', { kind: 'status', status: 500 }, 'wechat_error', 'suspect', 20],
    ['a reset before the mint', { kind: 'reset_before' }, 'wechat_unreachable', 'suspect', 20],
    ['a reset after the mint', { kind: 'reset_after' }, 'wechat_unreachable', 'suspect', 20],
    ['no answer in time', { kind: 'hang' }, 'wechat_timeout', 'suspect', 20],
    ['an HTML page', { kind: 'html' }, 'wechat_error', 'suspect', 20],
    ['expires_in 0', expiresIn(0), 'wechat_error', 'suspect', 20],
    ['45011', errcode(45011), 'wechat_error', 'due', 60],
    ['45009', errcode(45009), 'wechat_error', 'due', 3_600],
    ['40125', errcode(40125), 'wechat_error', 'blocked', 300],
    ['40164', errcode(40164), 'wechat_error', 'blocked', 300],
  ],
};

describe.each<Mode>(['stable', 'legacy'])('when a %s refresh fails', (mode) => {
  it.each(ROWS[mode])('with %s: %#', async (_name, fault, code, shown, pause) => {
    pair = await Pair.start({ mode });
    const token = await pair.token();
    await pair.wechat.fault({ ...fault, path: FETCH_PATH[mode] } as NewFault);
    await pair.later(mode === 'stable' ? 6_920 : 4_800);
    expect(await pair.fetchCount()).toBe(2);

    const state = await pair.service.state();
    expect(state).toMatchObject({
      state: shown,
      version: 1,
      failures_in_a_row: 1,
      last_error: { code, advice: expect.stringMatching(/\w{3}/) },
    });
    // The pause counts from the failure, which comes a little after the attempt.
    // The two are stamped by one statement, whose clock goes on between its columns.
    expect(pauseSeconds(state)).toBeGreaterThanOrEqual(pause - 0.05);
    expect(pauseSeconds(state)).toBeLessThan(pause + 3);
    expect(await pair.token()).toBe(token);
  });

  it('tries again after the pause, and is well again', async () => {
    pair = await Pair.start({ mode });
    await pair.wechat.fault({ path: FETCH_PATH[mode], kind: 'errcode', errcode: 45011 });
    await pair.later(mode === 'stable' ? 6_920 : 4_800);
    await pair.later(58);
    expect(await pair.fetchCount()).toBe(2);
    await pair.later(3);
    expect(await pair.fetchCount()).toBe(3);
    expect(await pair.service.state()).toMatchObject({
      state: 'live',
      failures_in_a_row: 0,
      last_error: null,
    });
  });
});

it('legacy: pauses grow to 60 s while there is time, so that an outage leaves the ledger full', async () => {
  pair = await Pair.start({ mode: 'legacy' });
  await pair.wechat.fault({
    path: FETCH_PATH.legacy,
    kind: 'errcode',
    errcode: -1,
    times: 'always',
  });
  await pair.later(4_801);
  const pauses: number[] = [];
  while (pauses.length < 20) {
    const pause = pauseSeconds(await pair.service.state());
    pauses.push(pause);
    await pair.later(Math.ceil(pause));
  }
  expect(Math.max(...pauses)).toBeGreaterThan(25);
  expect(Math.max(...pauses)).toBeLessThan(61);
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5);
  expect(await pair.token()).not.toBe('');
});

it('shows the operator the address that WeChat saw', async () => {
  pair = await Pair.start({
    simulator: { accounts: [{ appId: APP_ID, secret: APP_SECRET, ipAllowList: ['10.0.0.1'] }] },
  });
  const { status, body } = await pair.service.read();
  expect(status).toBe(503);
  expect(body.upstream).toMatchObject({
    errcode: 40164,
    advice: expect.stringContaining('127.0.0.1'),
  });
});

describe('a legacy fetch of unknown outcome', () => {
  it('limits the stored token to 270 s, and is settled by one fetch after 20 s of quiet', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    const first = await pair.token();
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'reset_after' });
    await pair.later(4_800);
    const doubtful = await pair.service.read();
    expect(doubtful.body.access_token).toBe(first);
    expect(doubtful.body.expires_in).toBeLessThanOrEqual(270);
    expect(doubtful.body.expires_in).toBeGreaterThan(260);

    await pair.later(21);
    expect(await pair.fetchCount()).toBe(3);
    const settled = await pair.service.read();
    expect(settled.body.access_token).not.toBe(first);
    expect(settled.body.expires_in).toBe(7_199);
    expect(await pair.accepts(settled.body.access_token)).toBe(true);
  });

  it('a second one: the token is served only while WeChat accepts it when asked', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    const first = await pair.token();
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'reset_before', times: 'always' });
    await pair.later(4_800);
    await pair.later(21);
    expect(await pair.fetchCount()).toBe(3);
    expect((await pair.service.read('?wait=0')).status).toBe(503);

    const probes = await pair.probeCount();
    await pair.service.poll();
    await pair.wechat.untilCalls({ path: PROBE_PATH }, probes + 1);
    const vouched = await pair.service.read();
    expect(vouched.body.access_token).toBe(first);
    expect(vouched.body.expires_in).toBeLessThanOrEqual(10);
    expect(vouched.body.cache_for).toBeLessThanOrEqual(10);
    await pair.pass(11);
    expect((await pair.service.read('?wait=0')).status).toBe(503);
  });

  it('a second one that killed it: it is condemned, not served', async () => {
    pair = await Pair.start({ mode: 'legacy' });
    await pair.wechat.fault({ path: FETCH_PATH.legacy, kind: 'reset_after', times: 'always' });
    await pair.later(4_800);
    await pair.later(21);
    const probes = await pair.probeCount();
    await pair.service.poll();
    await pair.wechat.untilCalls({ path: PROBE_PATH, outcome: 'answered' }, probes + 1);
    expect((await pair.service.read('?wait=0')).status).toBe(503);
    await pair.wechat.clearFaults();
    await pair.later(60);
    expect(await pair.accepts(await pair.token())).toBe(true);
  });
});

it('a forced stable fetch of unknown outcome: one unforced call tells at once what there is', async () => {
  pair = await Pair.start();
  const first = await pair.token();
  await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'reset_after' });
  const refused = await pair.service.adminRefresh({ force: true });
  expect(refused.status).toBe(502);
  expect((await pair.service.read('?wait=0')).status).toBe(503);
  await pair.later(3);
  const calls = await pair.fetches();
  expect(calls.map(({ forced }) => forced)).toEqual([false, true, false]);
  const token = await pair.token();
  expect(token).not.toBe(first);
  expect(await pair.accepts(token)).toBe(true);
});
