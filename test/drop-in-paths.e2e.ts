import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ReadCounter } from '../src/audit/read-counter.js';
import { Pair } from './support/pair.js';
import { send } from './support/send.js';
import { ADMIN_KEY, APP_ID, CLIENT_KEY } from './support/service.js';

/* The drop-in paths as SDKs spell them, and who is counted as their reader. */

interface WechatBody {
  readonly errcode?: number;
  readonly access_token?: string;
  readonly ip_list?: string[];
  readonly ticket?: string;
}

const GRANT = { grant_type: 'client_credential', appid: APP_ID, secret: CLIENT_KEY };

let pair: Pair;

beforeAll(async () => {
  pair = await Pair.start();
});
afterAll(() => pair.close());

async function ask(method: string, path: string, body?: string): Promise<WechatBody> {
  const answer = await send(pair.service.url, method, path, { body });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'application/json; charset=utf-8',
  ]);
  return JSON.parse(answer.text) as WechatBody;
}

function spellings(path: string): string[] {
  const [, first = '', ...rest] = path.split('/');
  return [
    `/${path}`,
    `///${path}`,
    `${path}/`,
    `${path}//`,
    `/${first}//${rest.join('//')}`,
    `//cgi%2Dbin/${rest.join('/')}/`,
    `http://other.example/${path}/`,
  ];
}

describe('a path with slashes more than WeChat’s', () => {
  it.each(spellings('/cgi-bin/token'))('%s is /cgi-bin/token', async (path) => {
    const query = new URLSearchParams({ ...GRANT, note: '//a/' }).toString();
    expect((await ask('GET', `${path}?${query}`)).access_token).toBe(await pair.token());
  });

  it.each(spellings('/cgi-bin/stable_token'))('%s is /cgi-bin/stable_token', async (path) => {
    const { access_token: token } = await ask('POST', path, JSON.stringify(GRANT));
    expect(token).toBe(await pair.token());
    expect((await ask('GET', path)).errcode).toBe(43002);
  });

  it.each(spellings('/cgi-bin/getcallbackip'))('%s is /cgi-bin/getcallbackip', async (path) => {
    const { ip_list: list } = await ask('GET', `${path}?access_token=${await pair.token()}`);
    expect(list?.length).toBeGreaterThan(0);
  });

  it.each(spellings('/cgi-bin/get_api_domain_ip'))(
    '%s is /cgi-bin/get_api_domain_ip',
    async (path) => {
      const { ip_list: list } = await ask('GET', `${path}?access_token=${await pair.token()}`);
      expect(list?.length).toBeGreaterThan(0);
    },
  );

  it.each(spellings('/cgi-bin/ticket/getticket'))(
    '%s is /cgi-bin/ticket/getticket',
    async (path) => {
      const answer = await ask('GET', `${path}?access_token=${await pair.token()}&type=jsapi`);
      expect(answer).toMatchObject({ errcode: 0, ticket: expect.stringMatching(/^\S{20,}$/) });
    },
  );

  it.each(['//cgi-bin', '//cgi-bin//', '//cgi-bin/nowhere/', '/cgi-bin/%2Ftoken'])(
    '%s is a path that there is not, in WeChat’s words',
    async (path) => {
      expect((await ask('GET', path)).errcode).toBe(40066);
    },
  );

  it.each(['//v1/accounts', `/v1/accounts/${APP_ID}/access-token/`, '//healthz', '//', '/'])(
    'elsewhere they count: %s is not answered in WeChat’s words',
    async (path) => {
      const answer = await send(pair.service.url, 'GET', path);
      expect(answer.headers.get('content-type')).not.toBe('application/json; charset=utf-8');
      expect(answer.text).not.toContain('errcode');
    },
  );
});

it('tickets that getticket hands out are counted as reads, like the others', async () => {
  await pair.service.app.get(ReadCounter).flush();
  const before = await ticketReads();
  for (const type of ['jsapi', 'jsapi', 'wx_card']) {
    await ask('GET', `/cgi-bin/ticket/getticket?access_token=${await pair.token()}&type=${type}`);
  }
  await ask('GET', `/cgi-bin/ticket/getticket?access_token=${await pair.token()}&type=none`);
  await pair.service.app.get(ReadCounter).flush();
  const after = await ticketReads();
  expect([after.jsapi - before.jsapi, after.wx_card - before.wx_card]).toEqual([2, 1]);
});

it('no client can have the name under which they are counted', async () => {
  const { status, body } = await pair.service.call<{ errors: unknown }>(
    'POST',
    '/v1/admin/clients',
    {
      key: ADMIN_KEY,
      body: { id: 'token-holder', name: 'x', scopes: ['token:read'] },
    },
  );
  expect([status, body.errors]).toEqual([400, [{ path: 'body.id', message: 'is reserved' }]]);
});

async function ticketReads(): Promise<{ jsapi: number; wx_card: number }> {
  const { body } = await pair.service.call<{ items: { kind: string; reads: number }[] }>(
    'GET',
    `/v1/admin/reads?client=token-holder&limit=200`,
    { key: ADMIN_KEY },
  );
  const sumOf = (kind: string): number =>
    body.items.filter((item) => item.kind === kind).reduce((sum, { reads }) => sum + reads, 0);
  return { jsapi: sumOf('jsapi_ticket'), wx_card: sumOf('wx_card_ticket') };
}
