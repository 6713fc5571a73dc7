import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ClientStore } from './clients/client-store.js';
import { AppModule } from './app.module.js';
import type { AppConfig } from './config/app-config.js';
import { configWarnings } from './config/config-warnings.js';
import { ConfigError } from './config/config.error.js';
import { loadEnvironment } from './config/environment.js';
import { listenAdvice, type ListenVariables, urlOf } from './config/listen-advice.js';
import { parseAppConfig } from './config/parse-app-config.js';
import { unknownVariables } from './config/unknown-variables.js';
import { createApp } from './server/create-app.js';
import { FatalErrors, StartError } from './errors/fatal-errors.js';
import { Readiness } from './health/readiness.js';
import { packageVersion } from './observability/build-info.js';
import { captureConsole } from './observability/capture-console.js';
import { AppLogger } from './observability/logger.js';
import { AccountService } from './wechat/accounts/account.service.js';
import { ServerFactory } from './server/server-factory.js';
import { CredentialService } from './wechat/credentials/credential.service.js';

/*
 * The process: configuration → application → listening → a signal → closed.
 *
 * Exit codes: 0 after SIGTERM or SIGINT, 1 for everything else (a wrong configuration, a port that cannot
 * be bound, a fatal error, a fault that nobody caught). A second signal, two seconds or more after the first,
 * ends the process at once.
 */

const CONTEXT = 'main';
/** From the signal to the end; what is under way then is cut off. */
const STOP_LIMIT_MS = 10_000;
/** How long requests are taken after SIGTERM: so long may a load balancer go on sending them (docs/adr/0013). */
const DRAIN_MS = 3_000;
/** How long a connection may be idle after the listener closed: a proxy may be sending a request into it. */
const IDLE_GRACE_MS = 1_000;
const FIRST_LOAD_LIMIT_MS = 3_000;
/** Ctrl-C under npm arrives twice: from the terminal, and from npm, which passes it on. */
const SAME_SIGNAL_MS = 2_000;
const VARIABLES: ListenVariables = { host: 'HOST', port: 'PORT' };

async function main(): Promise<void> {
  const { environment, dotEnv } = await loadEnvironment();
  const config = parseAppConfig(environment, process.stdout.isTTY, dotEnv);
  const logger = new AppLogger(config.log, process.stdout);
  captureConsole(logger);
  for (const warning of configWarnings(config)) {
    logger.warn(warning, CONTEXT);
  }
  for (const { name: variable, advice } of unknownVariables(environment)) {
    logger.warn(advice, { event: 'unknown_variable', variable }, CONTEXT);
  }
  const fail = (error: unknown): never => {
    logger.fatal(error instanceof StartError ? error.message : error, CONTEXT);
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  try {
    await assertPortIsFree(config.http, logger);
    const servers = new ServerFactory(config.http);
    const app = await createApp(AppModule.forRoot(config), config, logger, servers);
    app.get(FatalErrors).onRaise(fail);
    stopOnSignal(app, logger);
    await listen({ app, servers }, config, logger);
  } catch (error) {
    if (error instanceof ConfigError) {
      throw error;
    }
    fail(error);
  }
}

/**
 * With a database that answers, the first request finds what is stored. With one that does not, the
 * service listens all the same, unready, and says why.
 */
async function firstLoad(app: NestFastifyApplication): Promise<void> {
  const enough = new AbortController();
  const limit = delay(FIRST_LOAD_LIMIT_MS, undefined, { signal: enough.signal });
  const loaded = Promise.all([app.get(CredentialService).loaded, app.get(ClientStore).loaded]);
  await Promise.race([loaded, limit]);
  enough.abort();
  await limit.catch(() => undefined);
}

/**
 * Before anything is loaded or fetched: a process that cannot serve must not mint a token, which in legacy mode
 * would end the token of the one that holds the port.
 */
async function assertPortIsFree(
  { host, port }: AppConfig['http'],
  logger: AppLogger,
): Promise<void> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
  } catch (error) {
    logger.fatal(`cannot listen on ${host}:${port}: ${listenAdvice(error, VARIABLES)}`, CONTEXT);
    process.exit(1);
  }
}

/** Fastify's own listen: Nest's would log the failure as well, in other words. */
async function listen(
  { app, servers }: { app: NestFastifyApplication; servers: ServerFactory },
  { http: { host, port, tls }, database }: AppConfig,
  logger: AppLogger,
): Promise<void> {
  await app.init();
  await firstLoad(app);
  const { server } = app.getHttpAdapter().getInstance();
  try {
    await app.getHttpAdapter().getInstance().listen({ host, port });
    await servers.listenOnOthers(host);
  } catch (error) {
    logger.fatal(`cannot listen on ${host}:${port}: ${listenAdvice(error, VARIABLES)}`, CONTEXT);
    await stop(app, logger, { exitCode: 1, drainMs: 0 });
  }
  const { port: realPort } = server.address() as AddressInfo;
  const url = urlOf(tls ? 'https' : 'http', host, realPort);
  const fields = {
    event: 'listening',
    url,
    version: packageVersion(),
    database: database.kind,
    ...(app.get(CredentialService).isLoaded && { accounts: app.get(AccountService).all().length }),
  };
  logger.log(startLine(fields), fields, CONTEXT);
}

/** Never the address of the database, which may hold a password. */
function startLine(facts: {
  readonly url: string;
  readonly version: string;
  readonly database: string;
  readonly accounts?: number;
}): string {
  const { url, version, database, accounts } = facts;
  const known =
    accounts === undefined
      ? 'not connected yet'
      : `${accounts} ${accounts === 1 ? 'account' : 'accounts'}`;
  return `WeChat Token Center ${version} listening on ${url} (${database}, ${known})`;
}

/** Nest's own shutdown hooks would raise the signal again when they are done, and the exit code be 143. */
function stopOnSignal(app: NestFastifyApplication, logger: AppLogger): void {
  let stoppingSinceMs: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stoppingSinceMs === undefined) {
        stoppingSinceMs = performance.now();
        logger.log(
          `${signal}: shutting down; finishing requests in flight`,
          { event: 'stopping' },
          CONTEXT,
        );
        // SIGINT comes from a person, who waits at a terminal.
        void stop(app, logger, { exitCode: 0, drainMs: signal === 'SIGTERM' ? DRAIN_MS : 0 });
      } else if (performance.now() - stoppingSinceMs >= SAME_SIGNAL_MS) {
        process.exit(1);
      }
    });
  }
}

/** Unready first; then requests in flight and what features finish in their shutdown hooks; then the end. */
async function stop(
  app: NestFastifyApplication,
  logger: AppLogger,
  { exitCode, drainMs }: { readonly exitCode: number; readonly drainMs: number },
): Promise<never> {
  const limit = delay(STOP_LIMIT_MS, false);
  const closed = drain(app, drainMs)
    .then(() => app.close())
    .catch((error: unknown) => {
      logger.error(error, undefined, CONTEXT);
    });
  if ((await Promise.race([closed, limit])) === false) {
    const seconds = STOP_LIMIT_MS / 1_000;
    logger.warn(`shutdown timed out after ${seconds} s; aborting remaining requests`, CONTEXT);
  }
  process.exit(exitCode);
}

/**
 * Requests are answered as before, while whoever looks at /readyz learns that they should go elsewhere.
 * Node closes idle connections together with the listener, and with them those into which a proxy is just sending
 * a request, which it may not repeat where that is a POST. So they stay open a moment longer: their next answer
 * says `Connection: close`.
 */
async function drain(app: NestFastifyApplication, drainMs: number): Promise<void> {
  app.get(Readiness).drain();
  if (drainMs === 0) {
    return;
  }
  await delay(drainMs);
  const { server } = app.getHttpAdapter().getInstance();
  server.closeIdleConnections = () => undefined;
  setTimeout(() => {
    Reflect.deleteProperty(server, 'closeIdleConnections');
    server.closeIdleConnections();
  }, IDLE_GRACE_MS);
}

main().catch((error: unknown) => {
  const text = error instanceof ConfigError ? error.message : String(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
});
