import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  Get,
  Header,
  HttpCode,
  Ip,
  ImATeapotException,
  Module,
  Post,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { json, text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { QueryFailedError } from 'typeorm';
import { z } from 'zod';
import { AccessModule } from '../access/access.module.js';
import { Public } from '../access/public.decorator.js';
import { ConfigModule } from '../config/config.module.js';
import { parseAppConfig } from '../config/parse-app-config.js';
import { AppError } from '../errors/app-error.js';
import { ErrorsModule } from '../errors/errors.module.js';
import { ValidBody, ValidParam, ValidQuery } from '../http/validation.decorator.js';
import { RequestsModule } from '../http/requests.module.js';
import { AppLogger } from '../observability/logger.js';
import { TimeModule } from '../time/time.module.js';
import { createApp } from './create-app.js';

const ENVIRONMENT = {
  ADMIN_API_KEY: 'admin-key-of-this-spec',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};

const ReportBody = z.strictObject({
  errcode: z.int(),
  even: z
    .string()
    .regex(/^(..)*$/, 'must be even')
    .refine(isEven, 'must be even')
    .optional(),
  nested: z.strictObject({ a: z.string() }).optional(),
});
function isEven(text: string): boolean {
  return text.length % 2 === 0;
}
const WaitQuery = z.strictObject({ wait: z.coerce.number().max(60).default(5) });

@Public()
@Controller('things')
class ThingController {
  @Get()
  list(): object {
    return { items: [] };
  }

  @Post(':id/report')
  @HttpCode(200)
  report(
    @ValidParam('id', z.string().max(5)) id: string,
    @ValidQuery(WaitQuery) query: z.infer<typeof WaitQuery>,
    @ValidBody(ReportBody) body: z.infer<typeof ReportBody>,
  ): object {
    return { id, query, body };
  }

  @Post('optional-body')
  @HttpCode(200)
  optional(@ValidBody(ReportBody.optional()) body?: z.infer<typeof ReportBody>): object {
    return { body: body ?? null };
  }

  @Get('unavailable')
  @Header('ETag', '"stale"')
  unavailable(): never {
    throw new AppError('token_unavailable', 'Wait for the next refresh.', {
      retryAfterSeconds: 1.2,
      upstream: { errcode: 40164, errmsg: 'invalid ip', advice: 'Allow the IP.' },
      cause: new Error('the cause'),
    });
  }

  @Get('broken-query')
  brokenQuery(): never {
    const driverError = Object.assign(new Error('near "x": bound-value'), { code: 'SQLITE_ERROR' });
    throw new QueryFailedError('SELECT secret-sql', ['bound-value'], driverError);
  }

  @Get('refused')
  refused(): never {
    throw new ForbiddenException('internal words');
  }

  @Get('teapot')
  teapot(): never {
    throw new ImATeapotException('not coffee');
  }

  @Get('down')
  down(): never {
    throw new ServiceUnavailableException('internal words');
  }

  @Get('text')
  throwsText(): void {
    AbortSignal.abort('thrown text').throwIfAborted();
  }
}

/** A request that is under way until the test lets it go. */
const slow = new EventEmitter();

@Public()
@Controller()
class SlowController {
  @Get('slow')
  async slow(): Promise<object> {
    slow.emit('arrived');
    await once(slow, 'release');
    return { slow: true };
  }

  @Get('ip')
  ip(@Ip() ip: string): object {
    return { ip };
  }
}

@Module({
  imports: [
    ConfigModule.forRoot(parseAppConfig(ENVIRONMENT)),
    TimeModule,
    ErrorsModule,
    AccessModule,
    RequestsModule,
  ],
  controllers: [ThingController, SlowController],
})
class RootModule {}

describe('the configured application', () => {
  let app: NestFastifyApplication;
  let url: string;
  let lines: string[];

  beforeAll(async () => {
    const output = new PassThrough();
    output.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    const logger = new AppLogger({ level: 'debug', format: 'json' }, output);
    lines = [];
    app = await createApp(RootModule, parseAppConfig(ENVIRONMENT), logger);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  beforeEach(() => {
    lines = [];
  });
  afterAll(async () => {
    await app.close();
  });

  const call = async (
    path: string,
    init?: RequestInit,
  ): Promise<{ status: number; headers: Headers; body: unknown }> => {
    const response = await fetch(`${url}${path}`, init);
    const body = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: body === '' ? '' : JSON.parse(body),
    };
  };
  const post = (
    path: string,
    body: string,
    contentType = 'application/json',
  ): ReturnType<typeof call> =>
    call(path, { method: 'POST', body, headers: { 'content-type': contentType } });
  const errorLines = (): Record<string, unknown>[] =>
    lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ level }) => level === 'error');

  describe('answers', () => {
    it('carry nosniff and the id of the request', async () => {
      const { status, headers, body } = await call('/things');
      expect(status).toBe(200);
      expect(body).toEqual({ items: [] });
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-request-id')).toMatch(/^[\w-]{12}-[0-9a-z]+$/);
      expect(headers.has('content-security-policy')).toBe(false);
    });

    it('echo a sane X-Request-Id, and replace an insane one', async () => {
      const sane = await call('/things', { headers: { 'x-request-id': 'order-17.A_b' } });
      expect(sane.headers.get('x-request-id')).toBe('order-17.A_b');
      const insane = await call('/things', { headers: { 'x-request-id': 'a b<script>' } });
      expect(insane.headers.get('x-request-id')).toMatch(/^[\w-]{12}-[0-9a-z]+$/);
    });

    it('carry the id when no route took the request', async () => {
      const { headers } = await call('/nowhere');
      expect(headers.get('x-request-id')).toMatch(/^[\w-]{12}-[0-9a-z]+$/);
    });

    it('write no log line when they succeed', async () => {
      await call('/things');
      expect(lines).toEqual([]);
    });
  });

  describe('requests that are checked against a schema', () => {
    it('hand over what the schemas made of them', async () => {
      const { status, body } = await post('/things/abc/report?wait=7', '{"errcode":40001}');
      expect(status).toBe(200);
      expect(body).toEqual({ id: 'abc', query: { wait: 7 }, body: { errcode: 40001 } });
    });

    it.each([
      ['body.errcode', '/things/abc/report', '{"errcode":"x"}'],
      ['body.even', '/things/abc/report', '{"errcode":1,"even":"x"}'],
      ['body.nested.a', '/things/abc/report', '{"errcode":1,"nested":{"a":1}}'],
      ['body.unknown', '/things/abc/report', '{"errcode":1,"unknown":1}'],
      ['body.nested.b', '/things/abc/report', '{"errcode":1,"nested":{"a":"","b":1}}'],
      ['body', '/things/abc/report', ''],
      ['query.wait', '/things/abc/report?wait=61', '{"errcode":1}'],
      ['query.weight', '/things/abc/report?weight=1', '{"errcode":1}'],
      ['params.id', '/things/abcdef/report', '{"errcode":1}'],
    ])('are refused with the path %s', async (path, target, sent) => {
      const { status, headers, body } = await post(target, sent);
      expect(status).toBe(400);
      expect(headers.get('content-type')).toBe('application/problem+json');
      expect(body).toEqual({
        type: '/docs#validation_failed',
        title: 'The request is not valid',
        status: 400,
        detail: 'Correct what `errors` lists and send it again.',
        code: 'validation_failed',
        errors: [{ path, message: expect.any(String) }],
      });
    });

    it('with several unknown fields name each of them, and quote neither keys nor pages', async () => {
      const { body } = await post(
        '/things/abc/report',
        JSON.stringify({
          errcode: 1,
          nested: { a: '', 'b.c': 1 },
          token: 1,
          wtc_0123456789ABCDEFGHIJKLMNOPQRSTUVWX424C3d: 1,
          ['x'.repeat(1_000)]: 1,
        }),
      );
      const message = 'unknown field; remove it';
      expect(body).toMatchObject({
        errors: [
          { path: 'body.nested.b.c', message },
          { path: 'body.token', message },
          { path: 'body.wtc_[redacted]', message },
          { path: `body.${'x'.repeat(64)}…`, message },
        ],
      });
    });

    it('with unknown fields without end name the first twenty', async () => {
      const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 1]));
      const { body } = await post('/things/abc/report', JSON.stringify({ errcode: 1, ...many }));
      expect(body).toHaveProperty('errors.length', 20);
    });

    it('may leave out an optional body, even where the Content-Type promises one', async () => {
      const { status, body } = await post('/things/optional-body', '');
      expect(status).toBe(200);
      expect(body).toEqual({ body: null });
    });
  });

  describe('requests that no handler sees', () => {
    it.each([
      ['JSON that is none', '{"errcode":', 400, 'validation_failed', 'application/json'],
      ['a poisoned prototype', '{"__proto__":{}}', 400, 'validation_failed', 'application/json'],
      ['a form', 'errcode=1', 415, 'unsupported_media_type', 'application/x-www-form-urlencoded'],
      ['plain text', 'errcode', 415, 'unsupported_media_type', 'text/plain'],
      ['17 KiB', `{"a":"${'x'.repeat(17_000)}"}`, 413, 'payload_too_large', 'application/json'],
    ])('%s', async (_what, sent, status, code, contentType) => {
      const answer = await post('/things/abc/report', sent, contentType);
      expect(answer.status).toBe(status);
      expect(answer.body).toMatchObject({ status, code });
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    });

    it('name the body as the place of malformed JSON', async () => {
      const { body } = await post('/things/abc/report', '{');
      expect(body).toMatchObject({ errors: [{ path: 'body', message: 'is not valid JSON' }] });
    });

    it('16 KiB are still taken', async () => {
      const { status } = await post(
        '/things/optional-body',
        ' '.repeat(16 * 1024 - 13) + '{"errcode":1}',
      );
      expect(status).toBe(200);
    });

    it('an unknown path: 404, without the URL and its query', async () => {
      const { status, headers, body } = await call('/nothing?secret=abc');
      expect(status).toBe(404);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body).toEqual({
        type: '/docs#not_found',
        title: 'No such path or item',
        status: 404,
        detail: 'There is no such path. /docs lists those there are.',
        code: 'not_found',
      });
    });

    it('a known path with another method: 405 with Allow', async () => {
      const { status, headers, body } = await call('/things/abc/report', { method: 'DELETE' });
      expect(status).toBe(405);
      expect(headers.get('allow')).toBe('OPTIONS, POST');
      expect(body).toMatchObject({ code: 'method_not_allowed' });
    });

    it('an empty parameter is no path', async () => {
      const { status } = await call('/things//report', { method: 'POST' });
      expect(status).toBe(404);
    });

    it('a percent-encoding that cannot be decoded: 400', async () => {
      const answer = await call('/things/%zz/report', { headers: { 'x-request-id': 'id-1' } });
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ code: 'validation_failed', errors: [{ path: 'url' }] });
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('x-request-id')).toBe('id-1');
    });

    it('a parameter longer than any id: 404', async () => {
      const { status, body } = await post(`/things/${'x'.repeat(129)}/report`, '{}');
      expect(status).toBe(404);
      expect(body).toMatchObject({ code: 'not_found' });
    });

    it('OPTIONS tells what a path knows, and 404 where there is none', async () => {
      const known = await call('/things', { method: 'OPTIONS' });
      expect(known.status).toBe(204);
      expect(known.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
      expect((await call('/nothing', { method: 'OPTIONS' })).status).toBe(404);
    });

    it('HEAD answers like GET without a body, errors included', async () => {
      const found = await call('/things', { method: 'HEAD' });
      expect([found.status, found.body]).toEqual([200, '']);
      const missing = await call('/nothing', { method: 'HEAD' });
      expect([missing.status, missing.body]).toEqual([404, '']);
    });

    it.each([
      [
        'GET /things HTTP/1.1\r\nHost: a\r\nX-Long: ' + 'x'.repeat(17_000) + '\r\n\r\n',
        '431 Request Header Fields Too Large',
      ],
      ['nonsense\r\n\r\n', '400 Bad Request'],
    ])('what is no HTTP request gets a bare status', async (sent, status) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write(sent);
      expect(await text(socket)).toBe(
        `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\n\r\n`,
      );
    });
  });

  describe('errors of handlers', () => {
    it('a foreseen 5xx: its detail, upstream and Retry-After, and one line under the same id', async () => {
      const { status, headers, body } = await call('/things/unavailable?secret=abc', {
        headers: { 'x-request-id': 'id-2' },
      });
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toBe('2');
      expect(body).toEqual({
        type: '/docs#token_unavailable',
        title: 'No usable token',
        status: 503,
        detail: 'Wait for the next refresh.',
        code: 'token_unavailable',
        upstream: { errcode: 40164, errmsg: 'invalid ip', advice: 'Allow the IP.' },
        error_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      expect(errorLines()).toEqual([
        {
          level: 'error',
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
          context: 'ProblemFilter',
          event: 'request_failed',
          error_id: (body as { error_id: string }).error_id,
          code: 'token_unavailable',
          status: 503,
          request_id: 'id-2',
          route: 'GET /things/unavailable',
          detail: 'Wait for the next refresh.',
          upstream: { errcode: 40164, errmsg: 'invalid ip', advice: 'Allow the IP.' },
          msg: 'the cause',
          err: expect.objectContaining({ name: 'Error', message: 'the cause' }),
        },
      ]);
    });

    it('an unforeseen one: nothing of it in the answer, no bound value anywhere', async () => {
      const { status, body } = await call('/things/broken-query');
      expect(status).toBe(500);
      expect(body).toEqual({
        type: '/docs#internal_error',
        title: 'The service failed',
        status: 500,
        detail:
          'The service failed in a way that it did not foresee. Give the error_id to the operator: the log says more under it.',
        code: 'internal_error',
        error_id: expect.any(String),
      });
      const [line] = errorLines();
      expect(line).toMatchObject({
        error_id: (body as { error_id: string }).error_id,
        err: {
          name: 'QueryFailedError',
          code: 'SQLITE_ERROR',
          stack: expect.stringContaining('at '),
        },
      });
      expect(lines.join('')).not.toContain('bound-value');
      expect(lines.join('')).not.toContain('secret-sql');
    });

    it.each([
      ['/things/refused', 403, 'forbidden'],
      ['/things/teapot', 400, 'validation_failed'],
      ['/things/down', 500, 'internal_error'],
      ['/things/text', 500, 'internal_error'],
    ])('%s → %i %s', async (path, status, code) => {
      const answer = await call(path);
      expect(answer.status).toBe(status);
      expect(answer.body).toMatchObject({ status, code });
      expect(JSON.stringify(answer.body)).not.toContain('internal words');
    });

    it('below 500 leaves one line at debug, without the URL', async () => {
      await call('/nothing?secret=abc');
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
        expect.objectContaining({
          level: 'debug',
          event: 'request_refused',
          code: 'not_found',
          status: 404,
        }),
      ]);
      expect(lines.join('')).not.toContain('abc');
    });
  });
});

describe('the server', () => {
  const start = async (
    environment: Record<string, string> = {},
  ): Promise<NestFastifyApplication> => {
    const config = parseAppConfig({ ...ENVIRONMENT, ...environment });
    const logger = new AppLogger({ level: 'fatal', format: 'json' }, new PassThrough());
    const app = await createApp(RootModule, config, logger);
    await app.listen(0, '127.0.0.1');
    return app;
  };

  it('bounds how long a request may take to arrive and how long a connection is kept', async () => {
    const app = await start();
    expect(app.getHttpServer()).toMatchObject({
      headersTimeout: 10_000,
      // Bodies have a limit of their own (http/body-limit.ts).
      requestTimeout: 0,
      // Connections that are silent or unread are ended by http/connections.ts.
      timeout: 0,
      keepAliveTimeout: 65_000,
    });
    await app.close();
  });

  it('finishes the request in flight and closes its connection, kept alive or not', async () => {
    const app = await start();
    const agent = new Agent({ keepAlive: true });
    const arrived = once(slow, 'arrived');
    const request = get(`${await app.getUrl()}/slow`, { agent });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    await arrived;
    const closed = app.close();
    while (app.getHttpServer().listening) {
      await turn();
    }
    slow.emit('release');
    const [answer] = await answered;
    expect(await json(answer)).toEqual({ slow: true });
    const startedAt = performance.now();
    await closed;
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    agent.destroy();
  });

  it.each([
    ['not believed of anybody', {}, '127.0.0.1'],
    ['believed of a trusted proxy', { TRUSTED_PROXIES: '127.0.0.0/8' }, '203.0.113.9'],
    ['not believed of another', { TRUSTED_PROXIES: '10.0.0.0/8' }, '127.0.0.1'],
  ])('X-Forwarded-For is %s', async (_what, environment, ip) => {
    const app = await start(environment);
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    const answer = await fetch(`${await app.getUrl()}/ip`, { headers });
    expect(await answer.json()).toEqual({ ip });
    await app.close();
  });
});
