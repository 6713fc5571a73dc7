import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SCOPES } from '../src/access/scope.js';
import { createClientKey } from '../src/access/client-key.js';
import { admin, CLIENTS, makeClient, makeKey } from './support/clients.js';
import { routesOf } from './support/routes.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  startService,
  type Service,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * Every route × every kind of caller, with the status of the answer. A new route is a line here, and a line in
 * REQUESTS where it wants a body or a path that can be called once only; without it this test fails.
 *
 * The columns: no key; an unknown one; one whose checksum is wrong; one of a client that has expired; a revoked
 * one; one with a single scope for each scope there is; one with every scope for another account; ADMIN_API_KEY;
 * CLIENT_API_KEY.
 *
 * Under /cgi-bin a status is always 200, and the errcode stands here. There the key is sent where WeChat has the
 * `secret` or the `access_token`; that a live access_token opens the latter is in drop-in.e2e.ts.
 * A login is sent to WeChat with one code, which is good once: the second that gets there is told 40163.
 */
const MATRIX = `
route                                                     none  unknown mistyped expired revoked token:read token:report ip:read ticket:read jssdk:sign gateway login metrics:read elsewhere admin default
GET /healthz                                              200   200     200      200     200     200        200          200     200         200        200     200   200          200       200   200
GET /readyz                                               200   200     200      200     200     200        200          200     200         200        200     200   200          200       200   200
GET /openapi.json                                         200   200     200      200     200     200        200          200     200         200        200     200   200          200       200   200
GET /docs                                                 200   200     200      200     200     200        200          200     200         200        200     200   200          200       200   200
GET /docs/start.js                                        200   200     200      200     200     200        200          200     200         200        200     200   200          200       200   200
GET /docs/swagger-ui.css                                  200   200     200      200     200     200        200          200     200         200        200     200   200          200       200   200
GET /docs/swagger-ui-bundle.js                            200   200     200      200     200     200        200          200     200         200        200     200   200          200       200   200
GET /docs/favicon-32x32.png                               200   200     200      200     200     200        200          200     200         200        200     200   200          200       200   200
GET /metrics                                              401   401     401      401     401     403        403          403     403         403        403     403   200          200       403   200
GET /v1/accounts/{app_id}/access-token                    401   401     401      401     401     200        403          403     403         403        403     403   403          403       403   200
POST /v1/accounts/{app_id}/access-token/report            401   401     401      401     401     403        200          403     403         403        403     403   403          403       403   200
GET /v1/accounts/{app_id}/ip-list                         401   401     401      401     401     403        403          200     403         403        403     403   403          403       403   200
GET /v1/accounts/{app_id}/ip-list/contains                401   401     401      401     401     403        403          200     403         403        403     403   403          403       403   200
GET /v1/accounts/{app_id}/tickets/{type}                  401   401     401      401     401     403        403          403     200         403        403     403   403          403       403   200
POST /v1/accounts/{app_id}/jssdk-signature                401   401     401      401     401     403        403          403     403         200        403     403   403          403       403   200
GET /cgi-bin/token                                        41004 40125   40125    40125   40125   200        48001        48001   48001       48001      200     48001 48001        40013     40125 200
POST /cgi-bin/stable_token                                41004 40125   40125    40125   40125   200        48001        48001   48001       48001      200     48001 48001        40013     40125 200
GET /cgi-bin/getcallbackip                                41001 40014   40014    40014   40014   40014      40014        40014   40014       40014      40014   40014 40014        40014     40014 40014
GET /cgi-bin/get_api_domain_ip                            41001 40014   40014    40014   40014   40014      40014        40014   40014       40014      40014   40014 40014        40014     40014 40014
GET /cgi-bin/ticket/getticket                             41001 40014   40014    40014   40014   40014      40014        40014   40014       40014      40014   40014 40014        40014     40014 40014
GET /v1/accounts/{app_id}/gateway/{path}                  401   401     401      401     401     403        403          403     403         403        403     403   403          403       403   403
POST /v1/accounts/{app_id}/gateway/{path}                 401   401     401      401     401     403        403          403     403         403        403     403   403          403       403   403
PUT /v1/accounts/{app_id}/gateway/{path}                  401   401     401      401     401     403        403          403     403         403        403     403   403          403       403   403
PATCH /v1/accounts/{app_id}/gateway/{path}                401   401     401      401     401     403        403          403     403         403        403     403   403          403       403   403
DELETE /v1/accounts/{app_id}/gateway/{path}               401   401     401      401     401     403        403          403     403         403        403     403   403          403       403   403
GET /v1/accounts/{app_id}/gateway/sns/jscode2session      401   401     401      401     401     403        403          403     403         403        403     200   403          403       403   40163
GET /v1/accounts/{app_id}/gateway/sns/oauth2/access_token 401   401     401      401     401     403        403          403     403         403        403     200   403          403       403   40163
GET /sns/jscode2session                                   41004 40125   40125    40125   40125   48001      48001        48001   48001       48001      48001   200   48001        40013     40125 200
GET /sns/oauth2/access_token                              41004 40125   40125    40125   40125   48001      48001        48001   48001       48001      48001   200   48001        40013     40125 200
GET /{path}                                               40001 40001   40001    40001   40001   40001      40001        40001   40001       40001      40001   40001 40001        40001     40001 40001
POST /{path}                                              40001 40001   40001    40001   40001   40001      40001        40001   40001       40001      40001   40001 40001        40001     40001 40001
PUT /{path}                                               40001 40001   40001    40001   40001   40001      40001        40001   40001       40001      40001   40001 40001        40001     40001 40001
PATCH /{path}                                             40001 40001   40001    40001   40001   40001      40001        40001   40001       40001      40001   40001 40001        40001     40001 40001
DELETE /{path}                                            40001 40001   40001    40001   40001   40001      40001        40001   40001       40001      40001   40001 40001        40001     40001 40001
GET /v1/admin/accounts                                    401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
GET /v1/admin/accounts/{app_id}                           401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
POST /v1/admin/accounts                                   401   401     401      401     401     403        403          403     403         403        403     403   403          403       201   403
PATCH /v1/admin/accounts/{app_id}                         401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
DELETE /v1/admin/accounts/{app_id}                        401   401     401      401     401     403        403          403     403         403        403     403   403          403       204   403
POST /v1/admin/accounts/{app_id}/access-token/refresh     401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
GET /v1/admin/accounts/{app_id}/refreshes                 401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
GET /v1/admin/audit                                       401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
GET /v1/admin/reads                                       401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
GET /v1/admin/clients                                     401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
POST /v1/admin/clients                                    401   401     401      401     401     403        403          403     403         403        403     403   403          403       201   403
GET /v1/admin/clients/{id}                                401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
PATCH /v1/admin/clients/{id}                              401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
DELETE /v1/admin/clients/{id}                             401   401     401      401     401     403        403          403     403         403        403     403   403          403       204   403
POST /v1/admin/clients/{id}/keys                          401   401     401      401     401     403        403          403     403         403        403     403   403          403       201   403
DELETE /v1/admin/clients/{id}/keys/{key_id}               401   401     401      401     401     403        403          403     403         403        403     403   403          403       204   403
GET /v1/admin/gateway/presets                             401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
POST /v1/admin/clients/{id}/gateway/check                 401   401     401      401     401     403        403          403     403         403        403     403   403          403       200   403
`;

interface Request {
  /** In place of the route's own with {app_id} and {id} filled in. */
  readonly path?: string;
  readonly body?: unknown;
  /** Where the key goes, unless it is the header. */
  readonly keyed?: (key: string) => { readonly path?: string; readonly body?: unknown };
}

const OTHER_APP_ID = 'wxfedcba9876543210';
const VICTIM = 'victim';

/** What a route is called with, where it is more than its path. */
const REQUESTS: Readonly<Record<string, () => Request | Promise<Request>>> = {
  'POST /v1/accounts/{app_id}/access-token/report': () => ({ body: { version: 1 } }),
  'GET /v1/accounts/{app_id}/ip-list/contains': () => ({
    path: `/v1/accounts/${APP_ID}/ip-list/contains?ip=101.226.103.7`,
  }),
  'GET /v1/accounts/{app_id}/tickets/{type}': () => ({
    path: `/v1/accounts/${APP_ID}/tickets/jsapi`,
  }),
  'POST /v1/accounts/{app_id}/jssdk-signature': () => ({ body: { url: 'https://a.cn/' } }),
  'GET /v1/accounts/{app_id}/gateway/sns/jscode2session': () => ({
    path: `/v1/accounts/${APP_ID}/gateway/sns/jscode2session?appid=${APP_ID}&secret=-&js_code=${randomUUID()}&grant_type=authorization_code`,
  }),
  'GET /v1/accounts/{app_id}/gateway/sns/oauth2/access_token': () => ({
    path: `/v1/accounts/${APP_ID}/gateway/sns/oauth2/access_token?appid=${APP_ID}&secret=-&code=${randomUUID()}&grant_type=authorization_code`,
  }),
  'GET /sns/jscode2session': () => ({
    keyed: (key) => ({
      path: `/sns/jscode2session?appid=${APP_ID}&secret=${key}&js_code=${randomUUID()}&grant_type=authorization_code`,
    }),
  }),
  'GET /sns/oauth2/access_token': () => ({
    keyed: (key) => ({
      path: `/sns/oauth2/access_token?appid=${APP_ID}&secret=${key}&code=${randomUUID()}&grant_type=authorization_code`,
    }),
  }),
  ...Object.fromEntries(
    ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => [
      `${method} /{path}`,
      () => ({ keyed: heldIn('/cgi-bin/user/info?') }),
    ]),
  ),
  'GET /cgi-bin/token': () => ({
    keyed: (key) => ({
      path: `/cgi-bin/token?grant_type=client_credential&appid=${APP_ID}&secret=${key}`,
    }),
  }),
  'POST /cgi-bin/stable_token': () => ({
    keyed: (secret) => ({ body: { grant_type: 'client_credential', appid: APP_ID, secret } }),
  }),
  'GET /cgi-bin/getcallbackip': () => ({ keyed: heldIn('/cgi-bin/getcallbackip?') }),
  'GET /cgi-bin/get_api_domain_ip': () => ({ keyed: heldIn('/cgi-bin/get_api_domain_ip?') }),
  'GET /cgi-bin/ticket/getticket': () => ({
    keyed: heldIn('/cgi-bin/ticket/getticket?type=jsapi&'),
  }),
  'POST /v1/admin/accounts': () => ({
    body: {
      app_id: 'wx00000000000000aa',
      app_secret: 'a-secret-of-thirty-two-characters',
      enabled: false,
    },
  }),
  'PATCH /v1/admin/accounts/{app_id}': () => ({ body: { name: 'Changed' } }),
  'DELETE /v1/admin/accounts/{app_id}': () => ({ path: '/v1/admin/accounts/wx00000000000000aa' }),
  'POST /v1/admin/clients': () => ({ body: { name: 'New', scopes: ['token:read'] } }),
  'PATCH /v1/admin/clients/{id}': () => ({ body: { name: 'Changed' } }),
  'POST /v1/admin/clients/{id}/gateway/check': () => ({
    body: { app_id: APP_ID, method: 'GET', path: '/a' },
  }),
  'DELETE /v1/admin/clients/{id}': async () => ({
    path: `${CLIENTS}/${(await makeClient(service)).id}`,
  }),
  'DELETE /v1/admin/clients/{id}/keys/{key_id}': async () => {
    const { id, keys } = await makeClient(service);
    return { path: `${CLIENTS}/${id}/keys/${keys[0]?.id ?? ''}` };
  },
};

function heldIn(path: string): (key: string) => { path: string } {
  return (key) => ({ path: `${path}access_token=${key}` });
}

const [head = '', ...lines] = MATRIX.trim().split('\n');
const CALLERS = head.split(/ +/).slice(1);
const ROUTES = lines.map((line) => {
  const [method = '', path = '', ...statuses] = line.split(/ +/);
  const expected = CALLERS.map((caller, index) => [caller, Number(statuses[index])]);
  return { route: `${method} ${path}`, expected: Object.fromEntries(expected) as object };
});

let wechat: Simulator;
let service: Service;
let keys: Record<string, string | undefined>;
let requests = 0;

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  // The test is a proxy, which can say for each request that it comes from another address.
  service = await startService(wechat, { TRUSTED_PROXIES: '127.0.0.1/32' });
  await service.ready();
  keys = await makeKeys();
});
afterAll(async () => {
  await service.close();
  await wechat.close();
});

async function makeKeys(): Promise<Record<string, string | undefined>> {
  await makeClient(service, { id: VICTIM });
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const expired = await makeClient(service, { scopes: [...SCOPES], expires_at: expiresAt });
  const revoked = await makeClient(service, { id: 'rotated', scopes: [...SCOPES] });
  await makeKey(service, 'rotated');
  await admin(service, 'DELETE', `${CLIENTS}/rotated/keys/${revoked.keys[0]?.id ?? ''}`);
  service.advance(60_000);
  const elsewhere = { scopes: [...SCOPES], accounts: [OTHER_APP_ID] };
  const single = SCOPES.map(async (scope) => {
    const { key } = await makeClient(service, { scopes: [scope] });
    return [scope, key] as const;
  });
  return {
    none: undefined,
    unknown: createClientKey(),
    mistyped: `${createClientKey().slice(0, -1)}-`,
    expired: expired.key,
    revoked: revoked.key,
    ...Object.fromEntries(await Promise.all(single)),
    elsewhere: (await makeClient(service, elsewhere)).key,
    admin: ADMIN_KEY,
    default: CLIENT_KEY,
  };
}

async function statusFor(caller: string, route: string, request: Request): Promise<number> {
  const [method = '', pattern = ''] = route.split(' ');
  const key = keys[caller];
  const sent = request.keyed?.(key ?? '') ?? request;
  const path = sent.path ?? pattern.replace('{app_id}', APP_ID).replace('{id}', VICTIM);
  requests += 1;
  const { status, body } = await service.call<{ errcode?: number }>(method, path, {
    key: request.keyed === undefined ? key : undefined,
    body: sent.body,
    headers: { 'x-forwarded-for': `10.0.${Math.floor(requests / 250)}.${(requests % 250) + 1}` },
  });
  return body.errcode ?? status;
}

describe('the matrix of routes and callers', () => {
  it('has a line for every route, and for no other', () => {
    expect(ROUTES.map(({ route }) => route).sort()).toEqual(routesOf(service.app).sort());
  });

  it('has a column for every kind of caller, each scope among them', () => {
    expect([...CALLERS].sort()).toEqual(Object.keys(keys).sort());
    expect(CALLERS).toEqual(expect.arrayContaining([...SCOPES]));
  });

  it.each(ROUTES)('$route', async ({ route, expected }) => {
    const request = (await REQUESTS[route]?.()) ?? {};
    const statuses: Record<string, number> = {};
    for (const caller of CALLERS) {
      statuses[caller] = await statusFor(caller, route, request);
    }
    expect(statuses).toEqual(expected);
  });
});
