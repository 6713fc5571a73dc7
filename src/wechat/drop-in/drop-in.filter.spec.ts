import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Param } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { AccessMetrics } from '../../access/access.metrics.js';
import { Public } from '../../access/public.decorator.js';
import { ConfigModule } from '../../config/config.module.js';
import { parseAppConfig } from '../../config/parse-app-config.js';
import { DatabaseError } from '../../database/database-error.js';
import { AppError } from '../../errors/app-error.js';
import { RequestsModule } from '../../http/requests.module.js';
import { AppLogger } from '../../observability/logger.js';
import { ObservabilityModule } from '../../observability/observability.module.js';
import { createApp } from '../../server/create-app.js';

const ENVIRONMENT = {
  ADMIN_API_KEY: 'admin-key-of-this-spec',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};
const QUERY = 'secret=canary-secret&access_token=canary-token';

const ERRORS: Readonly<Record<string, Error>> = {
  limited: new AppError('rate_limited', 'Wait a minute.', { retryAfterSeconds: 60 }),
  forced: new AppError('force_refresh_limited', 'Wait.'),
  upstream: new AppError('wechat_error', 'WeChat said 40001.', {
    upstream: { errcode: 40001, errmsg: 'invalid credential', advice: 'Wait.' },
  }),
  away: new DatabaseError('ECONNREFUSED', 'the database does not answer'),
  forbidden: new AppError('forbidden', 'Words about a path that is not here.'),
  unforeseen: new Error('private words'),
};

@Public()
@Controller(['cgi-bin/throws', 'v1/throws'])
class ThrowingController {
  @Get(':what')
  throws(@Param('what') what: string): never {
    throw ERRORS[what] ?? new TypeError('no such error');
  }
}

@Module({
  imports: [ConfigModule.forRoot(parseAppConfig(ENVIRONMENT)), ObservabilityModule, RequestsModule],
  controllers: [ThrowingController],
  providers: [AccessMetrics],
})
class RootModule {}

describe('an error under /cgi-bin', () => {
  const log = new PassThrough();
  let app: NestFastifyApplication;
  let url: string;

  beforeAll(async () => {
    const logger = new AppLogger({ level: 'trace', format: 'json' }, log);
    app = await createApp(RootModule, parseAppConfig(ENVIRONMENT), logger);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(async () => {
    await app.close();
  });

  const call = async (what: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const answer = await fetch(`${url}/cgi-bin/throws/${what}?${QUERY}`, {
      headers: { 'x-request-id': 'the-id' },
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };

  it.each([
    ['limited', 45011, /^api minute-quota reach limit, .*: Wait a minute\. rid: the-id$/],
    ['forced', 45011, /^api minute-quota reach limit/],
    ['upstream', -1, /^system error: WeChat said 40001\. error_id: [\w-]+ rid: the-id$/],
    ['away', -1, /^system error: the database does not answer error_id: /],
    ['forbidden', 40013, /^invalid appid: this key may not use that account, or /],
    ['unforeseen', -1, /^system error: The service failed .* error_id: [\w-]+ rid: the-id$/],
  ])('%s: HTTP 200 with errcode %d', async (what, errcode, errmsg) => {
    const { status, body } = await call(what);
    expect({ status, body }).toEqual({
      status: 200,
      body: { errcode, errmsg: expect.stringMatching(errmsg) },
    });
    expect(JSON.stringify(body)).not.toContain('private words');
  });

  it('is logged from 500 on, with the id that it was answered with, and never with its query', async () => {
    const { body } = await call('unforeseen');
    const [, errorId = 'none'] = /error_id: ([\w-]+)/.exec(String(body.errmsg)) ?? [];
    const logged = String(log.read());
    const line = logged.split('\n').find((text) => text.includes(errorId)) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      event: 'request_failed',
      code: 'internal_error',
      route: 'GET /cgi-bin/throws/:what',
      err: { message: 'private words' },
    });
    expect(logged).not.toContain('canary');
  });

  it('is a problem elsewhere', async () => {
    const answer = await fetch(`${url}/v1/throws/limited`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '60']);
  });
});
