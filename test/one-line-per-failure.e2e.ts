import { afterEach, expect, it } from '@jest/globals';
import { createClientKey } from '../src/access/client-key.js';
import { FETCH_PATH, Pair, PROBE_PATH } from './support/pair.js';
import { send } from './support/send.js';
import {
  APP_ID,
  CLIENT_KEY,
  startService,
  type Answer,
  type ProblemBody,
} from './support/service.js';
import { startSimulator } from './support/simulator.js';

/* Who waits for one refresh fails with it: the log has one line for the refresh, and every answer names it. */

const MANY = 12;
const TICKET_PATH = '/cgi-bin/ticket/getticket';

let pair: Pair;

afterEach(() => pair.close());

function many<T>(call: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: MANY }, call));
}

function get(path: string): Promise<Answer<ProblemBody>> {
  return pair.service.call('GET', `/v1/accounts/${APP_ID}/${path}`, { key: CLIENT_KEY });
}

/** The ids of the answers, none twice. */
function idsOf(answers: Answer<ProblemBody>[]): (string | undefined)[] {
  return [...new Set(answers.map(({ body }) => body.error_id))];
}

/** The ids under which the log has an error. */
function loggedIds(): unknown[] {
  return pair.service.events('request_failed').map((line) => line.error_id);
}

it('readers, on every way there is to read', async () => {
  pair = await Pair.start({
    before: (wechat) => wechat.fault({ path: FETCH_PATH.stable, kind: 'errcode', errcode: 40164 }),
    environment: { WECHAT_TIMEOUT_MS: '300' },
  });
  pair.service.stopCron();
  const answers = [
    ...(await many(() => get('access-token'))),
    // With a query it goes another way through the service.
    ...(await many(() => get('access-token?wait=0'))),
    ...(await many(() => get('tickets/jsapi?wait=0'))),
    ...(await many(() => get('ip-list'))),
  ];
  const dropIn = await many(async () => {
    const grant = { grant_type: 'client_credential', appid: APP_ID, secret: CLIENT_KEY };
    const query = new URLSearchParams(grant).toString();
    return (await send(pair.service.url, 'GET', `/cgi-bin/token?${query}`)).text;
  });
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  const [id] = idsOf(answers);
  expect(idsOf(answers)).toEqual([id]);
  expect(loggedIds()).toEqual([id]);
  expect(dropIn.filter((text) => !text.includes(`error_id: ${String(id)}`))).toEqual([]);

  await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'hang' });
  await pair.pass(6);
  const refresh = pair.service.adminRefresh();
  await pair.wechat.untilCalls({ path: FETCH_PATH.stable }, 2);
  const waiting = await many(() => get('access-token?wait=2'));
  const [nextId, ...others] = idsOf([await refresh, ...waiting]);
  expect(others).toEqual([]);
  expect(loggedIds()).toEqual([id, nextId]);
});

it('reporters, and the admins whose refresh it was', async () => {
  pair = await Pair.start({ environment: { WECHAT_TIMEOUT_MS: '2000' } });
  pair.service.stopCron();
  const dead = await pair.token();
  await pair.wechat.killToken(dead);
  await pair.pass(31);
  await pair.wechat.fault({
    path: FETCH_PATH.stable,
    kind: 'errcode',
    errcode: 40164,
    times: 'always',
  });
  const reports = await many(() => pair.service.report({ access_token: dead }));
  expect(new Set(reports.map(({ status }) => status))).toEqual(new Set([503]));
  const [id, ...others] = loggedIds();
  expect(others).toEqual([]);
  expect(idsOf(reports)).toEqual([id]);

  await pair.wechat.clearFaults();
  await pair.wechat.fault({ path: FETCH_PATH.stable, kind: 'hang' });
  await pair.pass(6);
  const fetches = await pair.fetchCount();
  const first = pair.service.adminRefresh();
  await pair.wechat.untilCalls({ path: FETCH_PATH.stable }, fetches + 1);
  const refreshes = await Promise.all([first, pair.service.adminRefresh()]);
  const reads = await many(() => get('access-token?wait=0'));
  expect(await pair.fetchCount()).toBe(fetches + 1);
  expect(refreshes.map(({ status }) => status)).toEqual([504, 504]);
  const [secondId, ...more] = idsOf([...refreshes, ...reads]);
  expect(more).toEqual([]);
  expect(loggedIds()).toEqual([id, secondId]);
});

it('who waits for an IP list, and who asks before it is tried again', async () => {
  pair = await Pair.start();
  pair.service.stopCron();
  await pair.wechat.fault({ path: PROBE_PATH, kind: 'errcode', errcode: 48001, times: 'always' });
  const waiting = await many(() => get('ip-list'));
  const later = await many(() => get('ip-list/contains?ip=127.0.0.1'));
  const [id, ...others] = idsOf([...waiting, ...later]);
  expect(others).toEqual([]);
  expect(loggedIds()).toEqual([id]);
});

it('who waits for a ticket, by either path', async () => {
  pair = await Pair.start();
  pair.service.stopCron();
  await pair.wechat.fault({ path: TICKET_PATH, kind: 'errcode', errcode: 45009, times: 'always' });
  const waiting = await many(() => get('tickets/jsapi'));
  const token = await pair.token();
  const dropIn = await many(() =>
    send(pair.service.url, 'GET', `${TICKET_PATH}?type=jsapi&access_token=${token}`),
  );
  const [id, ...others] = idsOf(waiting);
  expect(others).toEqual([]);
  expect(loggedIds()).toEqual([id]);
  expect(dropIn.filter(({ text }) => !text.includes(`error_id: ${String(id)}`))).toEqual([]);
});

it('a failure that stands alone has a line of its own', async () => {
  pair = await Pair.start();
  pair.service.stopCron();
  await pair.wechat.fault({
    path: FETCH_PATH.stable,
    kind: 'errcode',
    errcode: -1,
    times: 'always',
  });
  await pair.pass(6);
  const first = await pair.service.adminRefresh();
  await pair.pass(6);
  const second = await pair.service.adminRefresh();
  expect(loggedIds()).toEqual([first.body.error_id, second.body.error_id]);
  expect(first.body.error_id).not.toBe(second.body.error_id);
});

it('who asks before the accounts and the clients have been read', async () => {
  const wechat = await startSimulator();
  const service = await startService(wechat, { DATABASE_URL: 'postgres://127.0.0.1:1/none' });
  pair = new Pair(wechat, service, 'stable');
  const reads = await many(() => get('access-token'));
  const storedKey = createClientKey();
  const strangers = await many(() =>
    service.call<ProblemBody>('GET', `/v1/accounts/${APP_ID}/access-token`, { key: storedKey }),
  );
  expect(new Set([...reads, ...strangers].map(({ body }) => body.code))).toEqual(
    new Set(['database_unavailable']),
  );
  const ids = [...idsOf(reads), ...idsOf(strangers)];
  expect(ids).toHaveLength(2);
  expect(loggedIds()).toEqual(ids);
});
