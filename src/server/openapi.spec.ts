import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Param, Post, UseGuards } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { z } from 'zod';
import { AccessModule } from '../access/access.module.js';
import { AdminGuard } from '../access/admin.guard.js';
import { ClientGuard } from '../access/client.guard.js';
import { Public } from '../access/public.decorator.js';
import { RequireScope } from '../access/require-scope.decorator.js';
import { ConfigModule } from '../config/config.module.js';
import { parseAppConfig } from '../config/parse-app-config.js';
import { HealthModule } from '../health/health.module.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { ValidBody, ValidQuery } from '../http/validation.decorator.js';
import { RequestsModule } from '../http/requests.module.js';
import { AppLogger } from '../observability/logger.js';
import { TimeModule } from '../time/time.module.js';
import { createApp } from './create-app.js';

const ENVIRONMENT = {
  ADMIN_API_KEY: 'admin-key-of-this-spec',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};

const Thing = z
  .object({ app_id: z.string(), expires_in: z.int().positive(), note: z.string().nullable() })
  .meta({ id: 'Thing' });
const ThingBody = z.strictObject({ errcode: z.int() }).meta({ id: 'ThingBody' });
const ThingQuery = z.strictObject({
  wait: z.coerce.number().min(0).max(60).default(5).meta({ description: 'Seconds to wait' }),
});

@UseGuards(ClientGuard)
@Controller('v1/accounts/:app_id/things')
class ThingController {
  @Get()
  @RequireScope('token:read')
  @ApiOperation({ summary: 'Reads' })
  @ApiOkResponse({ standardSchema: Thing })
  @ApiProblems('token_unavailable', 'database_unavailable')
  read(@Param('app_id') appId: string, @ValidQuery(ThingQuery) query: object): object {
    return { appId, query };
  }

  @Post()
  @RequireScope('token:report')
  report(@ValidBody(ThingBody) body: object): object {
    return body;
  }
}

@UseGuards(AdminGuard)
@Controller('v1/admin/things')
class AdminController {
  @Get()
  list(): object {
    return {};
  }
}

@Module({
  imports: [
    ConfigModule.forRoot(parseAppConfig(ENVIRONMENT)),
    TimeModule,
    AccessModule,
    HealthModule,
    RequestsModule,
  ],
  controllers: [ThingController, AdminController],
})
class RootModule {}

interface Operation {
  security?: object[];
  parameters?: object[];
  requestBody?: object;
  responses: Record<string, { description: string; content?: object }>;
}

describe('the documentation', () => {
  let app: NestFastifyApplication;
  let url: string;
  let document: {
    openapi: string;
    info: { description: string };
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, object>; securitySchemes: object };
  };

  beforeAll(async () => {
    const logger = new AppLogger({ level: 'fatal', format: 'json' }, new PassThrough());
    app = await createApp(RootModule, parseAppConfig(ENVIRONMENT), logger);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    const answer = await fetch(`${url}/openapi.json`);
    document = (await answer.json()) as typeof document;
  });
  afterAll(async () => {
    await app.close();
  });

  const PROBLEM = {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  };

  it('is OpenAPI 3.1 and lists every way to send a key', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.components.securitySchemes).toEqual({
      bearer: { type: 'http', scheme: 'bearer' },
      api_key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      wechat_secret: {
        type: 'apiKey',
        in: 'query',
        name: 'secret',
        description: expect.any(String),
      },
      wechat_access_token: { type: 'apiKey', in: 'query', name: 'access_token' },
    });
    expect(document.info.description).toContain('| `token_unavailable` | 503 | No usable token |');
  });

  it('says of a client route: scope, parameters, answer, errors', () => {
    const read = document.paths['/v1/accounts/{app_id}/things']?.get;
    expect(read?.security).toEqual([{ bearer: ['token:read'] }, { api_key: ['token:read'] }]);
    expect(read?.parameters).toEqual([
      { name: 'app_id', required: true, in: 'path', schema: { type: 'string' } },
      {
        name: 'wait',
        required: false,
        in: 'query',
        description: 'Seconds to wait',
        schema: {
          type: 'number',
          minimum: 0,
          maximum: 60,
          default: 5,
          description: 'Seconds to wait',
        },
      },
    ]);
    expect(read?.responses).toEqual({
      200: {
        description: '',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
      },
      401: { description: '`unauthenticated`: No valid key was sent.', content: PROBLEM },
      403: { description: '`forbidden`: The key does not allow this.', content: PROBLEM },
      429: { description: '`rate_limited`: Too many requests.', content: PROBLEM },
      503: {
        description: expect.stringMatching(
          /`token_unavailable`[^]*`database_unavailable`|`database_unavailable`[^]*`token_unavailable`/,
        ),
        content: PROBLEM,
      },
      default: { description: 'An error', content: PROBLEM },
    });
  });

  it('takes bodies and answers from their zod schemas, in the words of JSON Schema 2020-12', () => {
    expect(document.paths['/v1/accounts/{app_id}/things']?.post?.requestBody).toEqual({
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/ThingBody' } } },
    });
    expect(document.components.schemas).toMatchObject({
      Thing: {
        type: 'object',
        properties: {
          app_id: { type: 'string' },
          expires_in: { type: 'integer', exclusiveMinimum: 0 },
          note: { type: ['string', 'null'] },
        },
        required: ['app_id', 'expires_in', 'note'],
      },
      ThingBody: {
        properties: { errcode: { type: 'integer' } },
        required: ['errcode'],
        additionalProperties: false,
      },
      Problem: { required: ['type', 'title', 'status', 'detail', 'code'] },
    });
  });

  it('says of an admin route that it wants the admin key', () => {
    const list = document.paths['/v1/admin/things']?.get;
    expect(list?.security).toEqual([{ bearer: [] }, { api_key: [] }]);
    expect(list?.responses['403']?.description).toBe('`forbidden`: This wants the admin key.');
  });

  it('says of a public route that it wants no key', () => {
    expect(document.paths['/healthz']?.get?.security).toBeUndefined();
  });

  it.each([
    ['/openapi.json', 'application/json; charset=utf-8'],
    ['/docs', 'text/html; charset=utf-8'],
    ['/docs/start.js', 'text/javascript; charset=utf-8'],
    ['/docs/swagger-ui.css', 'text/css; charset=utf-8'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['/docs/favicon-32x32.png', 'image/png'],
  ])('%s needs no key and carries the headers of a page', async (path, type) => {
    const { status, headers } = await fetch(`${url}${path}`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(type);
    expect(Object.fromEntries(headers)).toEqual({
      'content-security-policy':
        "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'origin-agent-cluster': '?1',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-dns-prefetch-control': 'off',
      'x-download-options': 'noopen',
      'x-frame-options': 'DENY',
      'x-permitted-cross-domain-policies': 'none',
      'x-xss-protection': '0',
      'content-type': type,
      'content-length': expect.stringMatching(/^\d+$/),
      'x-request-id': expect.any(String),
      connection: 'keep-alive',
      'keep-alive': expect.any(String),
      date: expect.any(String),
    });
  });

  it('loads nothing but its own files, no inline script, no inline style', async () => {
    const page = await (await fetch(`${url}/docs`)).text();
    const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target]) => target);
    expect(loaded).toEqual([
      'docs/favicon-32x32.png',
      'docs/swagger-ui.css',
      'docs/swagger-ui-bundle.js',
      'docs/start.js',
    ]);
    expect(page).not.toMatch(/<style|style=|<script>|onload/);
  });

  it('serves no other file of the page', async () => {
    expect((await fetch(`${url}/docs/package.json`)).status).toBe(404);
    expect((await fetch(`${url}/docs/..%2f..%2fpackage.json`)).status).toBe(404);
  });
});

describe('a document that cannot be made', () => {
  const Broken = z.lazy((): z.ZodType => {
    throw new Error('private words');
  });

  @Public()
  @Controller('things')
  class BrokenController {
    @Get()
    @ApiOkResponse({ standardSchema: Broken })
    read(): object {
      return {};
    }
  }

  @Module({
    imports: [
      ConfigModule.forRoot(parseAppConfig(ENVIRONMENT)),
      TimeModule,
      AccessModule,
      RequestsModule,
    ],
    controllers: [BrokenController],
  })
  class BrokenModule {}

  it('is answered as any other error of the service', async () => {
    const logger = new AppLogger({ level: 'fatal', format: 'json' }, new PassThrough());
    const app = await createApp(BrokenModule, parseAppConfig(ENVIRONMENT), logger);
    await app.listen(0, '127.0.0.1');
    const answer = await fetch(`${await app.getUrl()}/openapi.json`);
    expect(answer.status).toBe(500);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const body = await answer.text();
    expect(JSON.parse(body)).toMatchObject({ code: 'internal_error' });
    expect(body).not.toContain('private words');
    await app.close();
  });
});
