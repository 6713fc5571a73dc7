import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Keyring } from '../src/encryption/keyring.js';
import { AccountRepository } from '../src/wechat/accounts/account.repository.js';
import { IpListScheduler } from '../src/wechat/ip-list/ip-list.scheduler.js';
import { makeClient } from './support/clients.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Pair } from './support/pair.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  startService,
  type Answer,
  type ProblemBody,
  type Service,
} from './support/service.js';
import type { JournalEntry, NewFault } from './support/simulator.js';

interface ListBody extends ProblemBody {
  readonly app_id: string;
  readonly kind: string;
  readonly ip_list: string[];
  readonly fetched_at: string;
  readonly stale: boolean;
}

interface ContainsBody extends ProblemBody {
  readonly ip: string;
  readonly contains: boolean;
  readonly matched: string | null;
}

const CALLBACK_PATH = '/cgi-bin/getcallbackip';
const API_PATH = '/cgi-bin/get_api_domain_ip';
const TOKEN_PATH = '/cgi-bin/stable_token';
const SECOND = 1;
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const YEAR_MS = 365 * DAY * 1_000;
/** A day and the part of it by which replicas differ. */
const DUE = DAY + 11 * MINUTE;

const list = (
  service: Service,
  query = '',
  { accept = '*/*', appId = APP_ID } = {},
): Promise<Answer<ListBody>> =>
  service.call('GET', `/v1/accounts/${appId}/ip-list${query}`, {
    key: CLIENT_KEY,
    headers: { accept },
  });

const contains = (service: Service, query: string): Promise<Answer<ContainsBody>> =>
  service.call('GET', `/v1/accounts/${APP_ID}/ip-list/contains${query}`, { key: CLIENT_KEY });

/** What @Cron does once a minute. */
const tick = (service: Service): Promise<void> => service.app.get(IpListScheduler).tick();

const always = (path: string, errcode: number): NewFault => ({
  kind: 'errcode',
  path,
  errcode,
  times: 'always',
});

describe('the endpoints of the IP list', () => {
  let pair: Pair;
  let service: Service;

  beforeAll(async () => {
    const entries = ['10.1.2.130', '2001:db8::/32', '10.1.2.128/25', '10.0.0.0/8'];
    const simulator = { callbackIpList: entries, apiDomainIpList: ['9.9.9.9'] };
    pair = await Pair.start({ simulator });
    service = pair.service;
  });
  afterAll(() => pair.close());

  describe('read', () => {
    it('is one entry a line for who prefers plain text', async () => {
      const { status, body, headers } = await list(service, '', { accept: 'text/plain' });

      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(headers.get('vary')).toBe('accept');
      expect(body).toBe('10.0.0.0/8\n10.1.2.128/25\n10.1.2.130\n2001:db8::/32\n');
    });

    it.each([
      ['text/*', 'text/plain; charset=utf-8'],
      ['TEXT/PLAIN;Q=0.5, application/json; q=0.4', 'text/plain; charset=utf-8'],
      ['text/plain, application/json;q=0', 'text/plain; charset=utf-8'],
      ['*/*', 'application/json; charset=utf-8'],
      ['text/plain, application/json', 'application/json; charset=utf-8'],
      ['text/plain;q=0.5, */*', 'application/json; charset=utf-8'],
      ['text/html, application/*;q=0.9, */*;q=0.8', 'application/json; charset=utf-8'],
      ['text/plain;q=0, text/*', 'application/json; charset=utf-8'],
      ['image/png', 'application/json; charset=utf-8'],
      ['text/plain;q=x', 'application/json; charset=utf-8'],
    ])('answers "Accept: %s" with %s', async (accept, contentType) => {
      const { headers } = await list(service, '', { accept });

      expect(headers.get('content-type')).toBe(contentType);
    });
  });

  describe('contains', () => {
    it.each([
      ['10.1.2.130', '10.1.2.130'],
      ['10.1.2.131', '10.1.2.128/25'],
      ['10.1.2.127', '10.0.0.0/8'],
      ['::ffff:10.1.2.131', '10.1.2.128/25'],
      ['2001:db8::1', '2001:db8::/32'],
    ])('finds %s in %s', async (ip, matched) => {
      const { status, body } = await contains(service, `?ip=${ip}`);

      expect(status).toBe(200);
      expect(body).toEqual({ ip, contains: true, matched });
    });

    it('says no with nothing matched', async () => {
      const { body } = await contains(service, '?ip=11.0.0.0');

      expect(body).toEqual({ ip: '11.0.0.0', contains: false, matched: null });
    });

    it('looks into the list of the kind that was asked for', async () => {
      expect((await contains(service, '?ip=9.9.9.9&kind=api')).body.contains).toBe(true);
      expect((await contains(service, '?ip=9.9.9.9')).body.contains).toBe(false);
    });
  });

  describe('refuses', () => {
    const get = (
      path: string,
      key: string | undefined = CLIENT_KEY,
    ): Promise<Answer<ProblemBody>> => service.call('GET', path, { key });
    const path = `/v1/accounts/${APP_ID}/ip-list`;

    it('a key without the scope ip:read', async () => {
      const { key } = await makeClient(service, { scopes: ['token:read'] });

      expect((await get(path, key)).body.code).toBe('forbidden');
      expect((await get(`${path}/contains?ip=1.2.3.4`, key)).status).toBe(403);
    });

    it('the admin key, and no key', async () => {
      expect((await get(path, ADMIN_KEY)).status).toBe(403);
      expect((await service.call('GET', path)).status).toBe(401);
    });

    it('an account that there is not', async () => {
      const { status, body } = await get('/v1/accounts/wxffffffffffffffff/ip-list');

      expect([status, body.code]).toEqual([403, 'forbidden']);
    });

    it.each([
      ['?kind=sms', 'query.kind'],
      ['?kind=', 'query.kind'],
      ['?kind=api&kind=callback', 'query.kind'],
      ['?type=api', 'query.type'],
      ['/contains', 'query.ip'],
      ['/contains?ip=', 'query.ip'],
      ['/contains?ip=1.2.3.4/24', 'query.ip'],
      ['/contains?ip=1.2.3', 'query.ip'],
      ['/contains?ip=weixin.qq.com', 'query.ip'],
      ['/contains?ip=1.2.3.4&kind=sms', 'query.kind'],
    ])('%s, naming %s', async (query, where) => {
      const { status, body } = await get(`${path}${query}`);

      expect([status, body.code]).toEqual([400, 'validation_failed']);
      expect(body.errors?.map((error) => error.path)).toEqual([where]);
    });
  });
});

describe('the IP list', () => {
  let database: TestDatabase;
  let pair: Pair;
  let service: Service;
  const others: Service[] = [];

  const callbackCalls = (): Promise<number> => pair.wechat.countCalls({ path: CALLBACK_PATH });
  const apiCalls = (): Promise<number> => pair.wechat.countCalls({ path: API_PATH });
  const weChatLists = (entries: string[]): Promise<unknown> =>
    pair.wechat.changeSettings({ callbackIpList: entries, apiDomainIpList: entries });
  /** Time passes everywhere, and the minute turns. */
  const later = async (seconds: number): Promise<void> => {
    await pair.later(seconds);
    await tick(service);
  };
  const another = async (): Promise<Service> => {
    const started = await startService(pair.wechat, { DATABASE_URL: database.url });
    others.push(started);
    started.stopCron();
    await started.ready();
    return started;
  };

  const restart = async (): Promise<Service> => {
    await service.close();
    return another();
  };
  /** Time passes for WeChat and one service, whose token is then renewed. */
  const pass = async (one: Service, seconds: number): Promise<void> => {
    await pair.wechat.advance(seconds * 1_000);
    one.advance(seconds * 1_000);
    await one.poll();
    await one.tick();
  };

  beforeEach(async () => {
    database = await createDatabase();
    pair = await Pair.start({ environment: { DATABASE_URL: database.url } });
    service = pair.service;
    service.stopCron();
  });
  afterEach(async () => {
    for (const other of others.splice(0)) {
      await other.close();
    }
    await pair.close();
    await database.remove();
  });

  describe('read', () => {
    it('is fetched at first need, without doubles, in numeric order', async () => {
      const before = Date.now();

      const { status, body, headers } = await list(service);

      expect(status).toBe(200);
      expect(body).toEqual({
        app_id: APP_ID,
        kind: 'callback',
        ip_list: [
          '58.247.206.128/25',
          '58.251.80.32/27',
          '81.69.54.213',
          '101.226.103.0/25',
          '101.226.233.128/25',
          '103.7.30.21',
          '103.7.30.64/26',
          '106.55.206.146',
          '106.55.206.211',
          '121.51.90.64/27',
          '182.254.86.128/25',
          '183.3.234.32/27',
        ],
        fetched_at: expect.any(String),
        stale: false,
      });
      expect(Date.parse(body.fetched_at)).toBeGreaterThan(before - 1_000);
      expect(Date.parse(body.fetched_at)).toBeLessThan(Date.now() + 1_000);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(await callbackCalls()).toBe(1);
    });

    it('is served from memory afterwards', async () => {
      const first = await list(service);
      const second = await list(service);

      expect(second.body).toEqual(first.body);
      expect(await callbackCalls()).toBe(1);
    });

    it('answers whether it contains an address without a call for each question', async () => {
      expect((await contains(service, '?ip=101.226.103.7')).body.matched).toBe('101.226.103.0/25');
      expect((await contains(service, '?ip=9.9.9.9')).body.matched).toBeNull();
      expect(await callbackCalls()).toBe(1);
    });

    it('is fetched once for all who need it at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => list(service)));

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(await callbackCalls()).toBe(1);
    });

    it('knows the addresses of the API apart from those that call back', async () => {
      const { body } = await list(service, '?kind=api');

      expect(body.kind).toBe('api');
      expect(body.ip_list).toEqual([
        '58.251.61.0/24',
        '101.226.90.149',
        '101.226.129.158',
        '101.226.212.27',
        '101.227.162.120',
        '106.55.206.146',
        '106.55.206.211',
        '183.3.226.0/24',
      ]);
      expect([await apiCalls(), await callbackCalls()]).toEqual([1, 0]);
    });

    it('leaves out what is no address, and logs it', async () => {
      await weChatLists(['weixin.qq.com', '9.9.9.9']);

      expect((await list(service)).body.ip_list).toEqual(['9.9.9.9']);
      expect(service.events('ip_entries_dropped')).toEqual([
        expect.objectContaining({ app_id: APP_ID, dropped: 1, first: ['weixin.qq.com'] }),
      ]);
    });
  });

  describe('refresh', () => {
    it('comes a day after the last one, and not before', async () => {
      const first = await list(service);
      await weChatLists(['9.9.9.9']);

      await later(DAY - MINUTE);
      expect(await callbackCalls()).toBe(1);
      expect((await list(service)).body).toEqual(first.body);

      await later(12 * MINUTE);
      expect(await callbackCalls()).toBe(2);
      const { body } = await list(service);
      expect(body).toMatchObject({ ip_list: ['9.9.9.9'], stale: false });
      expect(Date.parse(body.fetched_at) - Date.parse(first.body.fetched_at)).toBeGreaterThan(
        DAY * 1_000,
      );
    });

    it('leaves lists alone that nobody has asked for', async () => {
      await list(service);
      await later(DUE);

      expect(await apiCalls()).toBe(0);
    });

    it('serves the last list as stale while WeChat fails, and asks again ever more seldom', async () => {
      const first = await list(service);
      await weChatLists(['9.9.9.9']);
      await pair.wechat.fault(always(CALLBACK_PATH, -1));

      await later(DUE);
      expect(await callbackCalls()).toBe(2);
      expect((await list(service)).body).toEqual({ ...first.body, stale: true });

      for (const [index, pause] of [10, 20, 40, 60, 60].entries()) {
        await later(pause * MINUTE - MINUTE);
        expect(await callbackCalls()).toBe(index + 2);
        await later(MINUTE + SECOND);
        expect(await callbackCalls()).toBe(index + 3);
      }
      expect((await list(service)).body).toEqual({ ...first.body, stale: true });
      expect(service.events('ip_list_not_refreshed')).toHaveLength(6);

      await pair.wechat.clearFaults();
      await later(HOUR + SECOND);
      expect((await list(service)).body).toMatchObject({ ip_list: ['9.9.9.9'], stale: false });
    });

    it('looks only at memory until the day is over', async () => {
      await list(service);
      await service.app.get(DataSource).query('DROP TABLE wtc_ip_list');

      await later(HOUR);

      expect(service.events('ip_list_not_loaded')).toEqual([]);
    });

    it('serves the last list as stale while there is no token to ask with', async () => {
      const first = await list(service);
      await pair.wechat.fault(always(TOKEN_PATH, 40125));

      await later(DUE);

      expect((await list(service)).body).toEqual({ ...first.body, stale: true });
      expect(await callbackCalls()).toBe(1);
    });

    it('keeps the last list when WeChat answers with an empty one', async () => {
      const first = await list(service);
      await weChatLists([]);

      await later(DUE);

      expect((await list(service)).body).toEqual({ ...first.body, stale: true });
    });

    it('is called stale when it is long overdue', async () => {
      await list(service);

      await pair.later(DAY + 29 * MINUTE);
      expect((await list(service)).body.stale).toBe(false);

      await pair.later(2 * MINUTE);
      expect((await list(service)).body.stale).toBe(true);
    });

    it('happens once for all replicas', async () => {
      const replica = await another();
      await list(service);
      await list(replica);
      expect(await callbackCalls()).toBe(1);
      await weChatLists(['9.9.9.9']);

      replica.advance(DUE * 1_000);
      await later(DUE);
      await replica.poll();
      await tick(replica);

      expect(await callbackCalls()).toBe(2);
      expect((await list(replica)).body).toEqual((await list(service)).body);
      expect((await list(replica)).body).toMatchObject({ ip_list: ['9.9.9.9'], stale: false });
    });

    it('joins the round that still runs', async () => {
      const scheduler = service.app.get(IpListScheduler);

      const first = scheduler.tick();

      expect(scheduler.tick()).toBe(first);
      await first;
      expect(scheduler.tick()).not.toBe(first);
    });

    it('under way at the end of the process is finished and stored', async () => {
      const first = await list(service);
      await pair.later(DUE);
      await pair.wechat.fault({ kind: 'delay', path: CALLBACK_PATH, delayMs: 300 });

      void tick(service);
      await pair.wechat.untilCalls({ path: CALLBACK_PATH }, 2);

      const restarted = await restart();

      const { body } = await list(restarted);
      expect(Date.parse(body.fetched_at)).toBeGreaterThan(Date.parse(first.body.fetched_at));
      expect(await callbackCalls()).toBe(2);
    });
  });

  describe('storage', () => {
    it('spares the upstream call after a restart', async () => {
      const first = await list(service);

      const restarted = await restart();

      expect((await list(restarted)).body).toEqual(first.body);
      expect(await callbackCalls()).toBe(1);
    });

    it('serves an old list at once after a restart, and then refreshes it', async () => {
      const first = await list(service);
      await weChatLists(['9.9.9.9']);
      const restarted = await restart();
      await pass(restarted, 2 * DAY);

      expect((await list(restarted)).body).toEqual({ ...first.body, stale: true });
      expect(await callbackCalls()).toBe(1);

      await tick(restarted);
      expect((await list(restarted)).body).toMatchObject({ ip_list: ['9.9.9.9'], stale: false });
    });

    it('does not hold on to a list that a wrong clock stamped with the far future', async () => {
      await list(service);
      const { app } = service;
      await app
        .get(DataSource)
        .query(`UPDATE wtc_ip_list SET fetched_at = fetched_at + ${YEAR_MS}`);
      const restarted = await restart();

      expect((await list(restarted)).body.stale).toBe(true);
      await tick(restarted);

      expect((await list(restarted)).body.stale).toBe(false);
      expect(await callbackCalls()).toBe(2);
    });

    it('is not served for an account that there is not any more', async () => {
      await list(service);
      await service.app
        .get(DataSource)
        .query(`UPDATE wtc_ip_list SET app_id = 'wxffffffffffffffff' WHERE app_id = '${APP_ID}'`);

      expect((await list(service, '', { appId: 'wxffffffffffffffff' })).status).toBe(403);
    });

    it('may fail: the list is served from memory all the same', async () => {
      await service.app.get(DataSource).query('DROP TABLE wtc_ip_list');

      expect((await list(service, '?kind=api')).status).toBe(200);
      expect((await list(service, '?kind=api')).status).toBe(200);

      expect(await apiCalls()).toBe(1);
      expect(service.events('ip_list_not_loaded')).toHaveLength(1);
      expect(service.events('ip_list_not_stored')).toHaveLength(1);
    });
  });

  describe('with a token that WeChat calls dead', () => {
    it('reports the token, and repeats the call once with the next one', async () => {
      const dead = await pair.token();
      await pair.pass(10 * SECOND);
      await pair.wechat.killToken(dead);

      const { status, body } = await list(service);

      expect(status).toBe(200);
      expect(body.ip_list).toHaveLength(12);
      const calls = await pair.wechat.journal({ path: CALLBACK_PATH });
      expect(calls.map(({ errcode }) => errcode)).toEqual([40001, 0]);
      expect(await pair.wechat.countCalls({ path: TOKEN_PATH })).toBe(2);
      expect(await pair.token()).not.toBe(dead);
    });

    it('gives up when WeChat refuses the next one as well', async () => {
      await pair.pass(10 * SECOND);
      await pair.wechat.fault(always(CALLBACK_PATH, 42001));

      const { status, body } = await list(service);

      expect(status).toBe(502);
      expect(body).toMatchObject({ code: 'wechat_error', upstream: { errcode: 42001 } });
      expect(await callbackCalls()).toBe(2);
    });
  });

  describe('with nothing to serve', () => {
    it.each<[string, number, Partial<ProblemBody>, NewFault]>([
      [
        'an errcode',
        502,
        { code: 'wechat_error', upstream: expect.objectContaining({ errcode: 48001 }) as never },
        always(CALLBACK_PATH, 48001),
      ],
      ['a silence', 504, { code: 'wechat_timeout' }, { kind: 'hang', path: CALLBACK_PATH }],
      [
        'a broken connection',
        502,
        { code: 'wechat_unreachable' },
        { kind: 'reset_before', path: CALLBACK_PATH },
      ],
      ['a page', 502, { code: 'wechat_error' }, { kind: 'html', path: CALLBACK_PATH }],
    ])('answers %s of WeChat with %d', async (_, expected, problem, fault) => {
      await pair.wechat.fault(fault);

      const { status, body, headers } = await list(service);

      expect(status).toBe(expected);
      expect(body).toMatchObject(problem);
      expect(headers.get('cache-control')).toBe('no-store');
    });

    it('answers a list without one address with 502', async () => {
      await weChatLists(['weixin.qq.com']);

      const { status, body } = await list(service);

      expect(status).toBe(502);
      expect(body.upstream?.errmsg).toBe('the answer has no ip_list with an address in it');
    });

    it('does not ask WeChat again at every request', async () => {
      await pair.wechat.fault(always(CALLBACK_PATH, -1));

      for (const [index, pause] of [10, 20, 40, 80, 160, 320, 600, 600].entries()) {
        await list(service);
        await pair.pass(pause - 5 * SECOND);
        const { status, body } = await list(service);
        expect([status, body.upstream?.errcode]).toEqual([502, -1]);
        expect(await callbackCalls()).toBe(index + 1);
        await pair.pass(6 * SECOND);
      }
      await pair.wechat.clearFaults();

      expect((await list(service)).status).toBe(200);
    });

    it('is served what another replica fetched meanwhile', async () => {
      await pair.wechat.fault({ kind: 'errcode', path: CALLBACK_PATH, errcode: -1 });
      expect((await list(service)).status).toBe(502);
      const replica = await another();
      await list(replica);

      expect((await list(service)).body).toEqual((await list(replica)).body);
      expect(await callbackCalls()).toBe(2);
    });

    it('is tried again at once after an admin refresh, on every replica', async () => {
      const replica = await another();
      await pair.wechat.fault(always(CALLBACK_PATH, 40164));
      for (const one of [service, replica]) {
        expect((await list(one)).body.upstream?.errcode).toBe(40164);
      }
      await pair.wechat.clearFaults();
      const calls = await callbackCalls();
      await pass(replica, 5 * SECOND);
      service.advance(5 * SECOND * 1_000);
      for (const one of [service, replica]) {
        expect((await list(one)).body.upstream?.errcode).toBe(40164);
      }
      await service.adminRefresh();
      await replica.poll();

      expect((await list(service)).status).toBe(200);
      expect((await list(replica)).status).toBe(200);
      expect(await callbackCalls()).toBe(calls + 1);
    });

    it('waits for no pause once there is a token again', async () => {
      await pair.wechat.killToken(await pair.token());
      await pair.pass(10 * SECOND);
      await pair.wechat.fault(always(TOKEN_PATH, 40125));
      expect((await list(service)).body).toMatchObject({
        code: 'token_unavailable',
        upstream: { errcode: 40125 },
      });
      await pair.wechat.clearFaults();
      await pair.pass(5 * SECOND);
      await service.adminRefresh();

      expect((await list(service)).status).toBe(200);
    });
  });

  describe('refresh of many accounts', () => {
    const more = [1, 2, 3].map((index) => `wx000000000000000${index}`);
    let restarted: Service;

    /** Eight lists that are due, of a WeChat that takes its time. */
    beforeEach(async () => {
      const accounts = service.app.get(AccountRepository);
      for (const appId of more) {
        await pair.wechat.addAccount({ appId, secret: APP_SECRET });
        await accounts.insert({
          appId,
          name: null,
          mode: 'stable',
          secret: service.app
            .get(Keyring)
            .seal(APP_SECRET, { table: 'account', row: appId, column: 'secret' }),
          configVersion: 1,
          enabled: 1,
          environmentSecret: null,
          environmentMode: null,
          jssdkHosts: null,
        });
      }
      restarted = await restart();
      for (const appId of [APP_ID, ...more]) {
        await list(restarted, '?kind=callback', { appId });
        await list(restarted, '?kind=api', { appId });
      }
      await pass(restarted, DUE);
      for (const path of [CALLBACK_PATH, API_PATH]) {
        await pair.wechat.fault({ kind: 'delay', path, delayMs: 200, times: 'always' });
      }
      await pair.wechat.clearJournal();
    });

    const calls = async (): Promise<JournalEntry[]> =>
      (await pair.wechat.journal()).filter(({ path }) => path !== TOKEN_PATH);

    it('has four calls under way at most', async () => {
      await tick(restarted);

      const made = await calls();
      const together = made.map((one) => made.filter((other) => holdsStart(other, one)).length);
      expect(made).toHaveLength(8);
      expect(Math.max(...together)).toBe(4);
    });

    it('begins no further call when the process ends', async () => {
      void tick(restarted);
      await pair.wechat.untilCalls({}, 4);
      await restarted.close();

      expect(await calls()).toHaveLength(4);
    });
  });
});

/** Whether a call was under way when another one started; a call is under way at its own start. */
function holdsStart(call: JournalEntry, { startOrder }: JournalEntry): boolean {
  return call.startOrder <= startOrder && startOrder < (call.endOrder ?? Infinity);
}
