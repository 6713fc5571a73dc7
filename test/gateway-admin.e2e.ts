import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { AuditEntity } from '../src/audit/audit.entity.js';
import { admin, CLIENTS, makeClient, type ClientBody } from './support/clients.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  startService,
  type Answer,
  type ProblemBody,
  type Service,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* What an admin asks about the gateway: the presets, and what a client may call. */

const OTHER_APP_ID = 'wxfedcba9876543210';
const MISSING_APP_ID = 'wx00000000000000ff';

let wechat: Simulator;
let service: Service;

beforeAll(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  service = await startService(wechat);
  await service.ready();
  await admin(service, 'POST', '/v1/admin/accounts', {
    app_id: OTHER_APP_ID,
    app_secret: 'a-secret-of-thirty-two-characters',
    enabled: false,
  });
});
afterAll(async () => {
  await service.close();
  await wechat.close();
});

interface CheckBody {
  readonly allowed: boolean;
  readonly rule: string | null;
  readonly reason: string | null;
  readonly detail: string;
  readonly would_allow: string | null;
}

function ask<Body = CheckBody>(id: string, body: unknown): Promise<Answer<Body>> {
  return admin<Body>(service, 'POST', `${CLIENTS}/${id}/gateway/check`, body);
}

async function check(id: string, call: string, appId = APP_ID): Promise<CheckBody> {
  const [method = '', path = ''] = call.split(' ');
  const { status, body } = await ask(id, { app_id: appId, method, path });
  expect(status).toBe(200);
  return body;
}

describe('the presets', () => {
  it('are listed, each rule with the page of WeChat that describes it', async () => {
    const answer = await admin<{
      items: {
        name: string;
        description: string;
        rules: { rule: string; source: string | null }[];
      }[];
    }>(service, 'GET', '/v1/admin/gateway/presets');
    expect(answer.status).toBe(200);
    const { items } = answer.body;
    expect(items.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        '@drafts-and-media',
        '@messages',
        '@mini-program-codes',
        '@user-info',
        '@data-analysis',
        '@content-security',
        '@everything-but-secrets',
      ]),
    );
    expect(items.find(({ name }) => name === '@drafts-and-media')?.rules).toContainEqual({
      rule: 'POST /cgi-bin/draft/add',
      source: 'https://developers.weixin.qq.com/doc/offiaccount/Draft_Box/Add_draft.html',
    });
    expect(items.find(({ name }) => name === '@everything-but-secrets')?.rules).toEqual([
      { rule: '* /*', source: null },
    ]);
    for (const { name, description, rules } of items) {
      expect([name, description]).toEqual([name, expect.stringMatching(/^\S.+\.$/)]);
      const gateway = { allow: rules.map(({ rule }) => rule) };
      const { gateway: given } = await makeClient(service, { gateway });
      expect(given.allow).toEqual(gateway.allow);
    }
  });
});

describe('a check of what a client may call', () => {
  let client: ClientBody;

  beforeAll(async () => {
    client = await makeClient(service, {
      id: 'agent',
      scopes: ['gateway'],
      gateway: { allow: ['POST /cgi-bin/draft/*', 'GET /cgi-bin/user/info', '@drafts-and-media'] },
    });
  });

  it('names the rule that allows it', async () => {
    expect(await check('agent', 'POST /cgi-bin/draft/other')).toEqual({
      allowed: true,
      rule: 'POST /cgi-bin/draft/*',
      reason: null,
      detail: 'Allowed by the rule "POST /cgi-bin/draft/*".',
      would_allow: null,
    });
    expect(await check('agent', 'GET /cgi-bin/media/get')).toMatchObject({
      allowed: true,
      rule: '@drafts-and-media',
    });
  });

  it('names the rule that would allow it, and that rule does', async () => {
    const call = 'POST /cgi-bin/menu/create';
    expect(await check('agent', call)).toEqual({
      allowed: false,
      rule: null,
      reason: 'no_rule',
      detail:
        'No rule of this client allows it. To allow it, add "POST /cgi-bin/menu/create" to gateway.allow of the client.',
      would_allow: call,
    });
    const allow = [...client.gateway.allow, call];
    await admin(service, 'PATCH', `${CLIENTS}/agent`, { gateway: { allow } });
    expect(await check('agent', call)).toMatchObject({ allowed: true, rule: call });
  });

  it.each([
    ['POST /cgi-bin/token', 'never_passed'],
    ['GET /cgi-bin/component/api_query_auth', 'never_passed'],
    ['POST /sns/jscode2session', 'never_passed'],
    ['POST /cgi-bin/draft/../token', 'bad_path'],
    ['POST /cgi-bin/draft/add?a=b', 'bad_path'],
    ['TRACE /cgi-bin/draft/add', 'no_rule'],
    ['POST ', 'bad_path'],
  ])('of %s: %s, and no rule would help', async (call, reason) => {
    expect(await check('agent', call)).toMatchObject({
      allowed: false,
      rule: null,
      reason,
      would_allow: null,
    });
  });

  it('of a path that is too long to pass says so, and does not quote it', async () => {
    expect(await check('agent', `POST /cgi-bin/${'x'.repeat(2_000)}`)).toMatchObject({
      reason: 'bad_path',
      detail: 'The path is longer than 1024 characters.',
      would_allow: null,
    });
  });

  it('looks at the scope, for the login too', async () => {
    const allow = ['@everything-but-secrets'];
    await makeClient(service, {
      id: 'reader',
      scopes: ['token:read', 'login'],
      gateway: { allow },
    });
    expect(await check('reader', 'GET /cgi-bin/user/info')).toEqual({
      allowed: false,
      rule: null,
      reason: 'missing_scope',
      detail: 'The client does not have the scope gateway. Add it to scopes of the client.',
      would_allow: null,
    });
    expect(await check('reader', 'GET /sns/jscode2session')).toEqual({
      allowed: true,
      rule: null,
      reason: null,
      detail: 'Allowed by the scope login.',
      would_allow: null,
    });
    expect(await check('agent', 'GET /sns/jscode2session')).toMatchObject({
      reason: 'missing_scope',
      detail: 'The client does not have the scope login. Add it to scopes of the client.',
    });
  });

  it('looks at the accounts, and whether they are there and switched on', async () => {
    const accounts = [OTHER_APP_ID, MISSING_APP_ID];
    const gateway = { allow: ['* /*'] };
    await makeClient(service, { id: 'limited', scopes: ['gateway'], accounts, gateway });
    const details = {
      [APP_ID]: `The client may not use ${APP_ID}. Add it to accounts of the client.`,
      [OTHER_APP_ID]: `The account ${OTHER_APP_ID} is switched off. Switch it on with PATCH /v1/admin/accounts/${OTHER_APP_ID}.`,
      [MISSING_APP_ID]: `There is no account ${MISSING_APP_ID}. Add it with POST /v1/admin/accounts.`,
    };
    for (const [appId, detail] of Object.entries(details)) {
      expect(await check('limited', 'GET /a', appId)).toMatchObject({
        allowed: false,
        reason: 'missing_account',
        detail,
      });
    }
  });

  it('looks at the expiry', async () => {
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    const gateway = { allow: ['* /*'] };
    await makeClient(service, { id: 'brief', scopes: ['gateway'], gateway, expires_at });
    expect(await check('brief', 'GET /a')).toMatchObject({ allowed: true });
    service.advance(60_001);
    expect(await check('brief', 'GET /a')).toMatchObject({ allowed: false, reason: 'expired' });
  });

  it('asks WeChat nothing, and leaves its row in the audit', async () => {
    const before = await wechat.countCalls();
    await check('agent', 'GET /cgi-bin/user/info');
    expect(await wechat.countCalls()).toBe(before);
    const rows = await service.app
      .get(DataSource)
      .getRepository(AuditEntity)
      .find({ where: { action: 'gateway.check', target: 'agent' }, order: { at: 'DESC' } });
    expect(rows[0]).toMatchObject({ appId: APP_ID, outcome: 'ok', actor: 'admin' });
  });

  const CALL = { app_id: APP_ID, method: 'GET', path: '/a' };

  it.each([
    ['nothing', undefined, ['body']],
    ['a list', [CALL], ['body']],
    ['an empty object', {}, ['body.app_id', 'body.method', 'body.path']],
    ['no AppID', { ...CALL, app_id: 'shop' }, ['body.app_id']],
    ['a method that is a number', { ...CALL, method: 1 }, ['body.method']],
    ['a method that is too long', { ...CALL, method: 'G'.repeat(33) }, ['body.method']],
    ['a path that is null', { ...CALL, path: null }, ['body.path']],
    ['a path that is too long', { ...CALL, path: `/${'x'.repeat(2_048)}` }, ['body.path']],
    ['an unknown field', { ...CALL, query: 'a=b' }, ['body.query']],
  ])('with %s: 400, naming the place', async (_what, body, paths) => {
    const answer = await ask<ProblemBody>('agent', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.errors?.map(({ path }) => path)).toEqual(paths);
  });

  it.each(['nobody', 'default', 'AGENT', '%00'])('of a client %s: 404', async (id) => {
    const answer = await ask<ProblemBody>(id, CALL);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });

  it('of anything at all is answered, with a path that can be printed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.oneof(fc.webPath(), fc.string({ unit: 'binary' })),
        async (method, path) => {
          const answer = await service.call<Partial<CheckBody>>(
            'POST',
            `${CLIENTS}/agent/gateway/check`,
            { key: ADMIN_KEY, body: { ...CALL, method, path } },
          );
          expect(answer.status).toBe(200);
          expect(answer.body.detail).toMatch(/^[ -~]+$/);
        },
      ),
      { numRuns: 50 },
    );
  });
});
