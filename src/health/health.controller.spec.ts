import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { AccessModule } from '../access/access.module.js';
import { ConfigModule } from '../config/config.module.js';
import { parseAppConfig } from '../config/parse-app-config.js';
import { RequestsModule } from '../http/requests.module.js';
import { AppLogger } from '../observability/logger.js';
import { createApp } from '../server/create-app.js';
import { TimeModule } from '../time/time.module.js';
import { HealthModule } from './health.module.js';
import { Readiness } from './readiness.js';

const ENVIRONMENT = {
  ADMIN_API_KEY: 'admin-key-of-this-spec',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};

@Module({
  imports: [
    ConfigModule.forRoot(parseAppConfig(ENVIRONMENT)),
    TimeModule,
    AccessModule,
    HealthModule,
    RequestsModule,
  ],
})
class RootModule {}

describe('health', () => {
  let app: NestFastifyApplication;
  let readiness: Readiness;

  beforeEach(async () => {
    const logger = new AppLogger({ level: 'fatal', format: 'json' }, new PassThrough());
    app = await createApp(RootModule, parseAppConfig(ENVIRONMENT), logger);
    await app.listen(0, '127.0.0.1');
    readiness = app.get(Readiness);
  });
  afterEach(async () => {
    await app.close();
  });

  const get = async (path: string): Promise<unknown[]> => {
    const response = await fetch(`${await app.getUrl()}${path}`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    return [response.status, await response.json()];
  };

  it('/readyz is ready when every check is', async () => {
    readiness.register('keys', () => undefined);
    expect(await get('/readyz')).toEqual([200, { status: 'ready' }]);
  });

  it('/readyz lists the reasons of those that are not, as they stand at the request', async () => {
    let missing = 2;
    readiness.register('keys', () => undefined);
    readiness.register('database', () => 'is not connected yet');
    readiness.register('tokens', () => (missing > 0 ? `${missing} accounts have none` : undefined));
    const reasons = ['database: is not connected yet', 'tokens: 2 accounts have none'];
    expect(await get('/readyz')).toEqual([503, { status: 'unready', reasons }]);
    missing = 0;
    expect(await get('/readyz')).toEqual([503, { status: 'unready', reasons: [reasons[0]] }]);
  });

  it('/readyz is unready while the process drains', async () => {
    readiness.drain();
    expect(await get('/readyz')).toEqual([
      503,
      { status: 'unready', reasons: ['process: is shutting down'] },
    ]);
  });

  it('/healthz looks at nothing', async () => {
    readiness.register('database', () => 'is not connected yet');
    readiness.drain();
    expect(await get('/healthz')).toEqual([200, { status: 'ok' }]);
  });
});
