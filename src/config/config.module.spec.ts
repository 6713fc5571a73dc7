import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Injectable, Module, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppConfig } from './app-config.js';
import { ConfigError } from './config.error.js';
import { ConfigModule } from './config.module.js';
import { type Environment, loadEnvironment } from './environment.js';
import { parseAppConfig } from './parse-app-config.js';

const environment = {
  ADMIN_API_KEY: 'admin-Hq3vZk8TnWd0LxBf',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  PORT: '4321',
};

@Injectable()
class Consumer {
  constructor(readonly config: AppConfig) {}
}

@Module({ providers: [Consumer] })
class FeatureModule {}

const options: Partial<NestApplicationOptions> = { logger: false, abortOnError: false };

async function configOf(given: Environment): Promise<AppConfig> {
  const context = await NestFactory.createApplicationContext(
    { module: FeatureModule, imports: [ConfigModule.forRoot(parseAppConfig(given))] },
    options,
  );
  const { config } = context.get(Consumer);
  await context.close();
  return config;
}

describe('ConfigModule', () => {
  it('gives every module the configuration of the environment that it was given', async () => {
    const config = await configOf(environment);
    expect(config).toBeInstanceOf(AppConfig);
    expect(config.http.port).toBe(4321);
  });

  it('rejects the start with every problem of a wrong environment', async () => {
    const start = configOf({ PORT: 'x' });
    await expect(start).rejects.toBeInstanceOf(ConfigError);
    await expect(start).rejects.toMatchObject({ problems: { length: 3 } });
  });

  it('reads the process and .env of the working directory otherwise, the process first', async () => {
    // .env lands in the process's variables, and so must be taken out of them again.
    const { env } = process;
    const before = { folder: process.cwd(), variables: { ...env } };
    const folder = mkdtempSync(join(tmpdir(), 'config-module-'));
    const lines = Object.entries({ ...environment, WECHAT_TIMEOUT_MS: '700' });
    writeFileSync(
      join(folder, '.env'),
      lines.map(([name, value]) => `${name}=${value}`).join('\n'),
    );
    try {
      process.chdir(folder);
      env.PORT = '5555';
      const config = await configOf((await loadEnvironment()).environment);
      expect(config.wechat.timeoutMs).toBe(700);
      expect(config.http.port).toBe(5555);
    } finally {
      process.chdir(before.folder);
      for (const name of Object.keys(env).filter((key) => !(key in before.variables))) {
        Reflect.deleteProperty(env, name);
      }
      Object.assign(env, before.variables);
      rmSync(folder, { recursive: true });
    }
  });
});
