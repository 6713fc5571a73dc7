import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClientDirectory, NO_GATEWAY_RULES, type Client } from '../src/access/client-directory.js';
import { hashKey } from '../src/access/presented-key.js';
import { SCOPES } from '../src/access/scope.js';
import { Pair } from './support/pair.js';
import { send } from './support/send.js';
import { ADMIN_KEY, APP_ID, CLIENT_KEY, type ProblemBody } from './support/service.js';

/* A switched-off account: its own clients are told so, others learn no more than of one that there is not. */

const NOBODYS_APP_ID = 'wxffffffffffffffff';
const OWN_KEY = 'key-of-a-client-limited-to-the-account';
const OTHERS_KEY = 'key-of-a-client-of-another-account';
const SWITCHED_OFF = `This account is switched off. Ask an admin to switch it on: PATCH /v1/admin/accounts/${APP_ID} with "enabled": true.`;

let pair: Pair;
let token: string;

beforeAll(async () => {
  pair = await Pair.start();
  const client = (id: string, appId: string): Client => ({
    id,
    scopes: new Set(SCOPES),
    accounts: new Set([appId]),
    gateway: NO_GATEWAY_RULES,
  });
  pair.service.app.get(ClientDirectory).replaceStored(
    new Map([
      [hashKey(OWN_KEY), client('own', APP_ID)],
      [hashKey(OTHERS_KEY), client('others', NOBODYS_APP_ID)],
    ]),
  );
  token = await pair.token();
  const off = { key: ADMIN_KEY, body: { enabled: false } };
  const { status } = await pair.service.call('PATCH', `/v1/admin/accounts/${APP_ID}`, off);
  expect(status).toBe(200);
});
afterAll(() => pair.close());

const CALLS: [method: string, path: string, body?: object][] = [
  ['GET', 'access-token'],
  ['GET', 'access-token?wait=0'],
  ['POST', 'access-token/report', { version: 1 }],
  ['GET', 'ip-list'],
  ['GET', 'ip-list/contains?ip=127.0.0.1'],
  ['GET', 'tickets/jsapi'],
  ['POST', 'jssdk-signature', { url: 'https://shop.example.com/' }],
];

function call(
  key: string,
  appId: string,
  [method, path, body]: (typeof CALLS)[number],
): Promise<{ status: number; body: ProblemBody }> {
  return pair.service.call(method, `/v1/accounts/${appId}/${path}`, { key, body });
}

describe.each(CALLS)('%s %s', (...asked) => {
  it.each([
    ['limited to the account', OWN_KEY],
    ['for all accounts', CLIENT_KEY],
  ])('a key %s is told that it is switched off, and who can change that', async (_what, key) => {
    const { status, body } = await call(key, APP_ID, asked);
    expect([status, body.code, body.detail]).toEqual([403, 'forbidden', SWITCHED_OFF]);
  });

  it('a key that may not see it learns no more than of an account that there is not', async () => {
    const unseen = await call(OTHERS_KEY, APP_ID, asked);
    const missing = await call(OTHERS_KEY, NOBODYS_APP_ID, asked);
    expect(unseen.status).toBe(403);
    expect(unseen.body).toEqual(missing.body);
    expect(unseen.body.detail).not.toContain('switched off');
  });
});

describe('in WeChat’s shape', () => {
  const ask = async (path: string): Promise<string> => {
    const answer = await send(pair.service.url, 'GET', path);
    expect(answer.status).toBe(200);
    return answer.text.replace(/ rid: [^"]*/, '');
  };
  const tokenOf = (secret: string, appid = APP_ID): Promise<string> =>
    ask(
      `/cgi-bin/token?${new URLSearchParams({ grant_type: 'client_credential', appid, secret }).toString()}`,
    );
  const told = JSON.stringify({ errcode: 40013, errmsg: `invalid appid: ${SWITCHED_OFF}` });

  it('its own clients are told', async () => {
    expect([await tokenOf(OWN_KEY), await tokenOf(CLIENT_KEY)]).toEqual([told, told]);
  });

  it.each(['getcallbackip', 'get_api_domain_ip', 'ticket/getticket'])(
    '%s: so is who holds its token',
    async (path) => {
      expect(await ask(`/cgi-bin/${path}?access_token=${token}&type=jsapi`)).toBe(told);
    },
  );

  it('others are not', async () => {
    const unseen = await tokenOf(OTHERS_KEY);
    expect(unseen).toBe(await tokenOf(OTHERS_KEY, NOBODYS_APP_ID));
    expect(unseen).not.toContain('switched off');
  });
});

it('is counted apart from keys that may not see the account', async () => {
  const { body } = await pair.service.call<string>('GET', '/metrics', { key: CLIENT_KEY });
  expect(body).toMatch(
    /^wechat_token_center_authentication_failures_total\{reason="account_disabled"\} [1-9]/m,
  );
});
