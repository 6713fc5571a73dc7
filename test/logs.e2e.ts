import { afterEach, expect, it } from '@jest/globals';
import { CredentialStateScheduler } from '../src/wechat/credentials/credential-state.scheduler.js';
import { FETCH_PATH, Pair } from './support/pair.js';
import { ADMIN_KEY, APP_ID, CLIENT_KEY } from './support/service.js';

/*
 * One line for each attempt, report, admin action and change of state, with what an operator asks for;
 * none for a read that succeeds.
 */

let pair: Pair;
afterEach(() => pair.close());

const DURATION = expect.any(Number);
const REQUEST_ID = { 'x-request-id': 'order-17' };

it('a read that succeeds writes nothing, and names the id of its request', async () => {
  pair = await Pair.start();
  const before = pair.service.logged;
  expect((await pair.service.read()).headers.has('x-request-id')).toBe(true);
  const named = await pair.service.call('GET', `/v1/accounts/${APP_ID}/access-token`, {
    key: CLIENT_KEY,
    headers: REQUEST_ID,
  });
  expect(named.headers.get('x-request-id')).toBe('order-17');
  expect(pair.service.logged).toBe(before);
});

it('a report and the refresh that it causes are one line each, under the id of the request', async () => {
  pair = await Pair.start();
  pair.service.stopCron();
  const token = await pair.token();
  await pair.pass(60);
  await pair.wechat.killToken(token);
  await pair.service.call('POST', `/v1/accounts/${APP_ID}/access-token/report`, {
    key: CLIENT_KEY,
    headers: REQUEST_ID,
    body: { access_token: token, errcode: 42001 },
  });
  expect(pair.service.events('report')).toEqual([
    expect.objectContaining({
      level: 'info',
      request_id: 'order-17',
      app_id: APP_ID,
      client: 'default',
      reported_errcode: 42001,
      outcome: 'refreshed',
      version: 2,
      duration_ms: DURATION,
    }),
  ]);
  expect(pair.service.events('refresh').at(-1)).toMatchObject({
    request_id: 'order-17',
    app_id: APP_ID,
    kind: 'access_token',
    cause: 'report',
    forced: false,
    outcome: 'committed',
    version: 2,
    duration_ms: DURATION,
  });
});

it('a report that ends in an error says which', async () => {
  pair = await Pair.start();
  const token = await pair.token();
  await pair.pass(60);
  await pair.wechat.killToken(token);
  await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'errcode', errcode: 40125 });
  expect((await pair.service.report({ access_token: token })).status).toBe(503);
  expect(pair.service.events('report')).toMatchObject([
    { outcome: 'failed', code: 'token_unavailable', errcode: 40125, version: 1 },
  ]);
});

it('what an admin did is one line, whatever came of it; what an admin read is none', async () => {
  pair = await Pair.start();
  await pair.later(10);
  const refresh = `/v1/admin/accounts/${APP_ID}/access-token/refresh`;
  await pair.service.call('POST', refresh, { key: ADMIN_KEY, headers: REQUEST_ID });
  await pair.service.call('POST', refresh, { key: CLIENT_KEY });
  await pair.service.state();
  const line = { route: 'POST /v1/admin/accounts/:app_id/access-token/refresh', app_id: APP_ID };
  expect(pair.service.events('admin_action')).toMatchObject([
    { ...line, request_id: 'order-17', outcome: 'done', status: 200, duration_ms: DURATION },
    { ...line, outcome: 'refused', status: 403 },
  ]);
  expect(pair.service.events('refresh').at(-1)).toMatchObject({
    request_id: 'order-17',
    cause: 'admin',
    outcome: 'unchanged',
  });
});

it('each change of state is one line: into trouble as a warning, and out of it', async () => {
  pair = await Pair.start();
  const states = pair.service.app.get(CredentialStateScheduler);
  states.tick();
  // On a slow machine the service's own tick has seen the account before its first token, and has said so.
  const before = pair.service.events('state_change').length;
  await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'errcode', errcode: 40125 });
  await pair.later(6_920);
  states.tick();
  await pair.later(301);
  states.tick();
  states.tick();
  const changes = pair.service
    .events('state_change')
    .slice(before)
    .map(({ level, from, to, version, errcode }) => [level, from, to, version, errcode]);
  expect(changes.filter(([, , to]) => to !== 'due')).toEqual([
    ['warn', expect.stringMatching(/^(live|due)$/), 'blocked', 1, 40125],
    ['info', 'blocked', 'live', 3, undefined],
  ]);
});

it('a secret in the place of an AppID is not logged', async () => {
  pair = await Pair.start();
  const pasted = 'canarysecret0001canarysecret0001';
  await pair.service.call('DELETE', `/v1/admin/accounts/${pasted}`, { key: ADMIN_KEY });
  expect(pair.service.events('admin_action')).toHaveLength(1);
  expect(pair.service.logged).not.toContain(pasted);
});
