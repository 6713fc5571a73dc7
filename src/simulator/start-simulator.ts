import 'reflect-metadata';
import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { z } from 'zod';
import { AccountInputSchema } from './control/account.dto.js';
import { CallHooksService } from './wechat/call-hooks.service.js';
import { closedObject } from './control/closed-object.js';
import { InitialState } from './initial-state.js';
import { badRequest } from './control/problem.js';
import { SettingsPatchSchema } from './control/settings.dto.js';
import { SimulatorModule } from './simulator.module.js';

export const StartOptionsSchema = closedObject({
  host: z.string().min(1).default('127.0.0.1'),
  /** 0: a free port. */
  port: z.int().min(0).max(65_535).default(0),
  accounts: z
    .array(AccountInputSchema)
    .refine(
      (accounts) => new Set(accounts.map((account) => account.app_id)).size === accounts.length,
      'an AppID stands in the list twice',
    )
    .default([]),
  settings: SettingsPatchSchema.default({}),
});

export type StartOptions = z.input<typeof StartOptionsSchema>;

export interface RunningSimulator {
  /** Without a slash at its end, such as `http://127.0.0.1:3001`. */
  url: string;
  /** Breaks the connections that still hang. May be called twice. */
  close: () => Promise<void>;
}

/** No logger: Nest has one for the whole process, and a test runs other applications in it. */
const NEST_OPTIONS: Partial<NestApplicationOptions> = {
  bodyParser: false,
  abortOnError: false,
};

/**
 * Starts a simulator in this process.
 * @throws ZodError where an option is wrong; the system's error where the port cannot be bound.
 */
export async function startSimulator(options: StartOptions = {}): Promise<RunningSimulator> {
  const { host, port, accounts, settings } = StartOptionsSchema.parse(options);
  const app = await NestFactory.create<NestFastifyApplication>(
    SimulatorModule.startingAs(new InitialState(settings, accounts)),
    new FastifyAdapter({ forceCloseConnections: true, bodyLimit: 1_048_576 }),
    NEST_OPTIONS,
  );
  app.useGlobalPipes(new StandardSchemaValidationPipe({ exceptionFactory: badRequest }));
  const server = app.getHttpAdapter().getInstance();
  // A body of the control interface is read as it is, whatever its Content-Type says.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  app.get(CallHooksService).attachTo(server);
  try {
    await app.init();
    await server.listen({ port, host });
  } catch (error) {
    await app.close();
    throw error;
  }
  let closed: Promise<void> | undefined;
  return { url: urlOf(app, host), close: () => (closed ??= app.close()) };
}

function urlOf(app: NestFastifyApplication, host: string): string {
  const address = app.getHttpServer().address();
  if (address === null || typeof address === 'string') {
    throw new Error('the simulator listens on no TCP port');
  }
  // Who listens everywhere is reached over loopback.
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${address.port}`;
}
