import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
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

interface SignatureBody extends ProblemBody {
  readonly appId: string;
  readonly timestamp: number;
  readonly nonceStr: string;
  readonly signature: string;
}

const OTHER = 'wx00000000000000aa';
const OTHER_SECRET = 'canary-other-secret-0123456789';
const TICKET_PATH = '/cgi-bin/ticket/getticket';

let database: TestDatabase;
let pair: Pair;
let service: Service;

beforeEach(async () => {
  database = await createDatabase();
  pair = await Pair.start({
    environment: { DATABASE_URL: database.url },
    simulator: {
      accounts: [
        { appId: APP_ID, secret: APP_SECRET },
        { appId: OTHER, secret: OTHER_SECRET },
      ],
    },
  });
  service = pair.service;
});
afterEach(async () => {
  await service.close();
  await pair.close();
  await database.remove();
});

const sign = (
  body: unknown,
  { key = CLIENT_KEY, appId = APP_ID }: { key?: string; appId?: string } = {},
): Promise<Answer<SignatureBody>> =>
  service.call('POST', `/v1/accounts/${appId}/jssdk-signature`, { key, body });

/** WeChat's rule, written out once more: for this URL, by the ticket that WeChat minted. */
async function expected({ nonceStr, timestamp }: SignatureBody, url: string): Promise<string> {
  const [minted] = await pair.wechat.tickets(APP_ID);
  const text = `jsapi_ticket=${minted?.ticket}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${url}`;
  return createHash('sha1').update(text, 'utf8').digest('hex');
}

/** The hosts as an admin sets them. */
async function allowHosts(hosts: string[], change = {}): Promise<void> {
  const { status, body } = await service.call<{ jssdk_hosts: string[] }>(
    'PATCH',
    `/v1/admin/accounts/${APP_ID}`,
    { key: ADMIN_KEY, body: { jssdk_hosts: hosts, ...change } },
  );
  expect([status, body.jssdk_hosts]).toEqual([200, hosts]);
}

async function statusOf(url: string): Promise<number> {
  return (await sign({ url })).status;
}

describe('the signature of a page', () => {
  it('is ready for wx.config', async () => {
    const url = 'https://shop.example.com/goods?id=7&from=singlemessage';

    const { status, headers, body } = await sign({ url });

    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      appId: APP_ID,
      timestamp: expect.any(Number),
      nonceStr: expect.stringMatching(/^[0-9a-f]{32}$/),
      signature: await expected(body, url),
    });
    expect(Number.isInteger(body.timestamp)).toBe(true);
    expect(Math.abs(body.timestamp - Date.now() / 1_000)).toBeLessThan(5);
  });

  it.each([
    ['https://a.cn/p?q=1#/route', 'https://a.cn/p?q=1'],
    ['https://a.cn', 'https://a.cn'],
    ['HTTP://A.cn:80/../x?y=%e4+ä', 'HTTP://A.cn:80/../x?y=%e4+ä'],
  ])('of %s is over %s', async (url, signed) => {
    const { body } = await sign({ url });
    expect(body.signature).toBe(await expected(body, signed));
  });

  it('has another nonce each time, and costs WeChat one ticket', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => sign({ url: 'https://a.cn' })),
    );

    expect(new Set(answers.map(({ body }) => body.nonceStr)).size).toBe(20);
    expect(new Set(answers.map(({ body }) => body.signature)).size).toBe(20);
    expect(await pair.wechat.countCalls({ path: TICKET_PATH })).toBe(1);
  });

  it('holds no ticket, nor does the log', async () => {
    const { body } = await sign({ url: 'https://a.cn' });
    const [minted] = await pair.wechat.tickets(APP_ID);

    expect(JSON.stringify(body)).not.toContain(minted?.ticket);
    expect(service.logged).not.toContain(minted?.ticket);
  });

  it('is not to be had without a ticket: 503 with what WeChat said', async () => {
    await pair.wechat.fault({ kind: 'errcode', path: TICKET_PATH, errcode: 48001 });

    const { status, body } = await sign({ url: 'https://a.cn' });

    expect(status).toBe(503);
    expect(body).toMatchObject({ code: 'token_unavailable', upstream: { errcode: 48001 } });
  });
});

describe('the hosts that an account names', () => {
  it('are those whose pages are signed', async () => {
    await allowHosts(['shop.cn', '*.mall.cn']);

    const statuses: Record<string, number> = {};
    for (const url of [
      'https://shop.cn/a#b',
      'http://SHOP.cn:8080/',
      'https://www.mall.cn',
      'https://www.shop.cn/',
      'https://mall.cn/',
      'https://shop.cn@evil.example/',
    ]) {
      statuses[url] = await statusOf(url);
    }

    expect(statuses).toEqual({
      'https://shop.cn/a#b': 200,
      'http://SHOP.cn:8080/': 200,
      'https://www.mall.cn': 200,
      'https://www.shop.cn/': 400,
      'https://mall.cn/': 400,
      'https://shop.cn@evil.example/': 400,
    });
    const refused = await sign({ url: 'https://www.shop.cn/' });
    expect(refused.body).toMatchObject({
      code: 'validation_failed',
      errors: [{ path: 'body.url', message: expect.stringContaining('jssdk_hosts') }],
    });
  });

  it('tell nobody of an account that may not be used', async () => {
    await allowHosts(['shop.cn'], { enabled: false });

    expect(await statusOf('https://evil.example')).toBe(403);
    expect(await statusOf('https://shop.cn')).toBe(403);
  });

  it('hold after a restart, until an admin takes them away', async () => {
    await allowHosts(['shop.cn']);
    await service.close();
    service = await startService(pair.wechat, { DATABASE_URL: database.url });
    await service.ready();
    expect(await statusOf('https://other.cn')).toBe(400);
    expect(await statusOf('https://shop.cn')).toBe(200);

    await allowHosts([]);
    expect(await statusOf('https://other.cn')).toBe(200);
  });

  it('can be named when the account is added, and go with it', async () => {
    const account = { app_id: OTHER, app_secret: OTHER_SECRET };
    const add = (body: object): Promise<Answer<{ jssdk_hosts: string[] }>> =>
      service.call('POST', '/v1/admin/accounts', { key: ADMIN_KEY, body });
    const statuses = async (): Promise<number[]> => {
      const urls = ['https://www.mall.cn', 'https://other.cn'];
      const answers = urls.map((url) => sign({ url }, { appId: OTHER }));
      return (await Promise.all(answers)).map(({ status }) => status);
    };

    const added = await add({ ...account, jssdk_hosts: ['*.mall.cn'] });
    expect([added.status, added.body.jssdk_hosts]).toEqual([201, ['*.mall.cn']]);
    expect(await statuses()).toEqual([200, 400]);

    await service.call('DELETE', `/v1/admin/accounts/${OTHER}`, { key: ADMIN_KEY });
    expect(await statuses()).toEqual([403, 403]);
    expect((await add(account)).body.jssdk_hosts).toEqual([]);
    expect(await statuses()).toEqual([200, 200]);
  });
});

describe('a request for a signature that is refused', () => {
  it('is one with a wrong body', async () => {
    const wrong: [body: unknown, path: string][] = [
      [{}, 'body.url'],
      [{ url: 7 }, 'body.url'],
      [{ url: '' }, 'body.url'],
      [{ url: '/goods' }, 'body.url'],
      [{ url: 'shop.cn/goods' }, 'body.url'],
      [{ url: 'ftp://shop.cn/' }, 'body.url'],
      [{ url: 'javascript:alert(1)' }, 'body.url'],
      [{ url: 'https:shop.cn' }, 'body.url'],
      [{ url: 'https://' }, 'body.url'],
      [{ url: 'https://a b.cn/' }, 'body.url'],
      [{ url: ' https://a.cn' }, 'body.url'],
      [{ url: 'https://a.cn/\n' }, 'body.url'],
      [{ url: 'https://a.cn:99999/' }, 'body.url'],
      [{ url: `https://a.cn/${'x'.repeat(4_096)}` }, 'body.url'],
      [{ url: 'https://a.cn', timestamp: 1 }, 'body.timestamp'],
      ['[]', 'body'],
      ['{', 'body'],
    ];
    for (const [body, path] of wrong) {
      const { status, body: problem } = await sign(body);
      expect([body, status, problem.code]).toEqual([body, 400, 'validation_failed']);
      expect([body, problem.errors?.map((error) => error.path)]).toEqual([body, [path]]);
    }
    expect(await pair.wechat.countCalls({ path: TICKET_PATH })).toBe(0);
  });

  it('is one by somebody who may not', async () => {
    const { key } = await makeClient(service, { scopes: ['ticket:read'] });
    const url = 'https://a.cn';

    expect((await sign({ url }, { key })).status).toBe(403);
    expect((await sign({ url }, { key: 'unknown' })).status).toBe(401);
    expect((await sign({ url }, { key: ADMIN_KEY })).status).toBe(403);
    expect((await sign({ url }, { appId: 'wxffffffffffffffff' })).status).toBe(403);
  });
});
