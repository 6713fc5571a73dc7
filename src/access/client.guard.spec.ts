import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { ConfigModule } from '../config/config.module.js';
import { parseAppConfig } from '../config/parse-app-config.js';
import { RequestsModule } from '../http/requests.module.js';
import { AppLogger } from '../observability/logger.js';
import { createApp } from '../server/create-app.js';
import { Clock } from '../time/clock.js';
import { TimeModule } from '../time/time.module.js';
import { AccessModule } from './access.module.js';
import { AdminGuard } from './admin.guard.js';
import { ClientDirectory, NO_GATEWAY_RULES, type Client } from './client-directory.js';
import { createClientKey } from './client-key.js';
import { ClientGuard } from './client.guard.js';
import { CurrentClient } from './current-client.decorator.js';
import { hashKey } from './presented-key.js';
import { accountRefused } from './refusals.js';
import { RequireScope } from './require-scope.decorator.js';

const ADMIN_KEY = 'admin-key-of-this-spec';
const CLIENT_KEY = 'client-key-of-this-spec';
const LIMITED_KEY = 'limited-key-of-this-spec';
const EXPIRING_KEY = 'expiring-key-of-this-spec';
const ENVIRONMENT = {
  ADMIN_API_KEY: ADMIN_KEY,
  CLIENT_API_KEY: CLIENT_KEY,
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};

@UseGuards(ClientGuard)
@Controller('v1/accounts/:app_id')
class AccountController {
  @Get('token')
  @RequireScope('token:read')
  token(@CurrentClient() client: Client): object {
    return { client: client.id };
  }

  @Get('report')
  @RequireScope('token:report')
  report(): object {
    return {};
  }

  @Get('unknown-account')
  @RequireScope('token:read')
  unknownAccount(): never {
    throw accountRefused();
  }
}

@UseGuards(AdminGuard)
@Controller('v1/admin/things')
class AdminController {
  @Get()
  list(): object {
    return { admin: true };
  }
}

@Module({
  imports: [
    ConfigModule.forRoot(parseAppConfig(ENVIRONMENT)),
    TimeModule,
    AccessModule,
    RequestsModule,
  ],
  controllers: [AccountController, AdminController],
})
class RootModule {}

describe('who may call what', () => {
  let app: NestFastifyApplication;
  let url: string;

  beforeAll(async () => {
    const logger = new AppLogger({ level: 'fatal', format: 'json' }, new PassThrough());
    app = await createApp(RootModule, parseAppConfig(ENVIRONMENT), logger);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    const limited: Client = {
      id: 'limited',
      scopes: new Set(['token:read']),
      accounts: new Set(['wx0000000000000001']),
      gateway: NO_GATEWAY_RULES,
    };
    const expiring: Client = {
      id: 'expiring',
      scopes: new Set(['token:read']),
      accounts: 'all',
      gateway: NO_GATEWAY_RULES,
      expiresAtMs: app.get(Clock).wallMs() + 60_000,
    };
    app.get(ClientDirectory).replaceStored(
      new Map([
        [hashKey(LIMITED_KEY), limited],
        [hashKey(EXPIRING_KEY), expiring],
      ]),
    );
  });
  afterAll(async () => {
    await app.close();
  });

  const TOKEN = '/v1/accounts/wx0000000000000001/token';
  const call = async (
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; challenge: string | null; body: unknown }> => {
    const response = await fetch(`${url}${path}`, { headers });
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: await response.json(),
    };
  };
  const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

  describe('a client route', () => {
    it.each([
      ['Authorization: Bearer', bearer(CLIENT_KEY)],
      ['the scheme in any case', { authorization: `bEARER ${CLIENT_KEY}` }],
      ['X-API-Key', { 'x-api-key': CLIENT_KEY }],
      ['both, alike', { ...bearer(CLIENT_KEY), 'x-api-key': CLIENT_KEY }],
      [
        'X-API-Key beside a proxy’s Basic',
        { authorization: 'Basic YTpi', 'x-api-key': CLIENT_KEY },
      ],
    ])('takes a key by %s', async (_how, headers) => {
      expect(await call(TOKEN, headers)).toEqual({
        status: 200,
        challenge: null,
        body: { client: 'default' },
      });
    });

    it.each([
      ['no key', {}],
      ['another scheme', { authorization: 'Basic YTpi' }],
      ['an empty bearer', { authorization: 'Bearer ' }],
      ['an empty X-API-Key', { 'x-api-key': '' }],
    ])('answers 401 to %s', async (_what, headers) => {
      const { status, body } = await call(TOKEN, headers);
      expect(status).toBe(401);
      expect(body).toMatchObject({
        code: 'unauthenticated',
        detail: 'Send a key in the header "Authorization: Bearer <key>" or "X-API-Key: <key>".',
      });
    });

    it('challenges without an error code where no key was sent (RFC 6750, 3.1)', async () => {
      const { challenge } = await call(TOKEN);
      expect(challenge).toBe('Bearer realm="wechat-token-center"');
    });

    it.each([
      ['an unknown key', bearer('unknown-key-of-this-spec')],
      ['two keys that differ', { ...bearer(CLIENT_KEY), 'x-api-key': LIMITED_KEY }],
      ['a key with one letter in another case', bearer(CLIENT_KEY.toUpperCase())],
    ])('answers 401 invalid_token to %s', async (_what, headers) => {
      const { status, challenge, body } = await call(TOKEN, headers);
      expect(status).toBe(401);
      expect(challenge).toBe('Bearer realm="wechat-token-center", error="invalid_token"');
      expect(body).toMatchObject({ code: 'unauthenticated' });
    });

    it('answers 403 to a key without the scope, naming the scope', async () => {
      const answer = await call('/v1/accounts/wx0000000000000001/report', bearer(LIMITED_KEY));
      expect(answer).toEqual({
        status: 403,
        challenge: 'Bearer realm="wechat-token-center", error="insufficient_scope"',
        body: expect.objectContaining({
          code: 'forbidden',
          detail:
            'This key does not have the scope token:report. Use a key that has it, or ask the operator to add it.',
        }),
      });
    });

    it('answers 403 for an account outside the key’s set, in the words for one that does not exist', async () => {
      const own = await call(TOKEN, bearer(LIMITED_KEY));
      expect(own.body).toEqual({ client: 'limited' });
      const foreign = await call('/v1/accounts/wx0000000000000002/token', bearer(LIMITED_KEY));
      expect(foreign.status).toBe(403);
      const missing = await call(
        '/v1/accounts/wx0000000000000009/unknown-account',
        bearer(CLIENT_KEY),
      );
      expect(missing).toEqual(foreign);
    });

    it('answers 401 to a key past its expiry', async () => {
      expect((await call(TOKEN, bearer(EXPIRING_KEY))).status).toBe(200);
      app.get(Clock).advance(60_000);
      const expired = await call(TOKEN, bearer(EXPIRING_KEY));
      expect(expired).toEqual(await call(TOKEN, bearer('unknown-key-of-this-spec')));
    });

    it('answers 403 to the admin key', async () => {
      const { status, body } = await call(TOKEN, bearer(ADMIN_KEY));
      expect(status).toBe(403);
      expect(body).toMatchObject({
        code: 'forbidden',
        detail: 'This is the admin key, which is good for /v1/admin only. Use a client key here.',
      });
    });
  });

  describe('an admin route', () => {
    const ADMIN = '/v1/admin/things';

    it.each([
      ['Bearer', bearer(ADMIN_KEY)],
      ['X-API-Key', { 'x-api-key': ADMIN_KEY }],
    ])('takes the admin key by %s', async (_how, headers) => {
      expect(await call(ADMIN, headers)).toEqual({
        status: 200,
        challenge: null,
        body: { admin: true },
      });
    });

    it('answers 401 to no key, an unknown one, and a beginning of the right one', async () => {
      expect((await call(ADMIN)).status).toBe(401);
      expect((await call(ADMIN, bearer('unknown-key-of-this-spec'))).status).toBe(401);
      expect((await call(ADMIN, bearer(ADMIN_KEY.slice(0, -1)))).status).toBe(401);
    });

    it('answers 403 to a client’s key', async () => {
      const { status, body } = await call(ADMIN, bearer(CLIENT_KEY));
      expect(status).toBe(403);
      expect(body).toMatchObject({
        code: 'forbidden',
        detail: 'This is a client key. Use the admin key for /v1/admin.',
      });
    });
  });

  it('looks no mistyped key up among the stored, and marks when one was used', async () => {
    const use = { atMs: 0 };
    const client: Client = {
      id: 'x',
      scopes: new Set(['token:read']),
      accounts: 'all',
      gateway: NO_GATEWAY_RULES,
      use,
    };
    const right = createClientKey();
    const mistyped = `${right.slice(0, -1)}-`;
    const directory = app.get(ClientDirectory);
    directory.replaceStored(
      new Map([
        [hashKey(right), client],
        [hashKey(mistyped), client],
      ]),
    );
    directory.markUsesAt(1_000);
    expect((await call(TOKEN, bearer(mistyped))).status).toBe(401);
    expect(use.atMs).toBe(0);
    expect((await call(TOKEN, bearer(right))).status).toBe(200);
    expect(use.atMs).toBe(1_000);
  });

  it('keeps the environment’s client when the stored ones change', async () => {
    app.get(ClientDirectory).replaceStored(new Map());
    expect((await call(TOKEN, bearer(LIMITED_KEY))).status).toBe(401);
    expect((await call(TOKEN, bearer(CLIENT_KEY))).status).toBe(200);
  });
});
