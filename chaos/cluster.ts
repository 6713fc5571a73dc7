import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ChaosDatabase } from './chaos-database.js';
import type { NamedText } from './evidence.js';
import type { Options } from './options.js';
import { FaultyProxy } from './proxy.js';
import type { Recorder } from './recorder.js';
import { Replica } from './replica.js';
import { SimulatedWechat } from './simulated-wechat.js';
import type { Terms } from './terms.js';

/** From Debian's package libfaketime. */
const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
/** How much longer bytes take while a link is slow: for WeChat past the time-out, yet not past the quiet time. */
const DELAY_MS = { database: 250, wechat: 700 };

/**
 * The replica whose clock can be shifted. None on SQLite: there the database's clock is the process's
 * own, and all processes on a machine have the same one.
 */
export function clockReplicaFor({ database, seed, replicas }: Options): number | undefined {
  return database !== 'sqlite' && existsSync(FAKETIME) ? seed % replicas : undefined;
}

interface Parts {
  readonly wechat: SimulatedWechat;
  readonly database: ChaosDatabase;
  readonly replicas: readonly Replica[];
  readonly clockFile: string | undefined;
  /** Keys, secrets and the like, which no output may hold. */
  readonly secrets: readonly NamedText[];
}

export interface ClusterOptions {
  readonly options: Options;
  readonly terms: Terms;
  /** The built service, perhaps with a guard taken out. */
  readonly dist: string;
  readonly folder: string;
  readonly recorder: Recorder;
  readonly onCleanUp: (step: () => Promise<void>) => void;
}

/** Everything that a run starts. What is started registers its end before anything else may fail. */
export class Cluster {
  private constructor(readonly parts: Parts) {}

  get wechat(): SimulatedWechat {
    return this.parts.wechat;
  }

  get database(): ChaosDatabase {
    return this.parts.database;
  }

  get replicas(): readonly Replica[] {
    return this.parts.replicas;
  }

  static async start(setting: ClusterOptions): Promise<Cluster> {
    const { options, terms, dist, folder, recorder, onCleanUp } = setting;
    const account = { appId: 'wx0123456789abcdef', secret: secret('app-secret') };
    const keys = { admin: secret('admin-key'), client: secret('client-key') };
    const encryptionKey = randomBytes(32).toString('base64');

    const database = await ChaosDatabase.create(options.database, folder);
    onCleanUp(() => database.remove());
    const wechat = await SimulatedWechat.start({ dist: resolve(dist), folder, account, terms });
    onCleanUp(() => wechat.stop());

    const clockReplica = clockReplicaFor(options);
    const clockFile = clockReplica === undefined ? undefined : join(folder, 'clock');
    if (clockFile !== undefined) {
      writeFileSync(clockFile, '+0');
    }
    const proxies: FaultyProxy[] = [];
    const replicas: Replica[] = [];
    for (let index = 0; index < options.replicas; index += 1) {
      const wechatProxy = await startWechatProxy(wechat.url, index, recorder);
      const databaseProxy = await startDatabaseProxy(database);
      proxies.push(wechatProxy, ...(databaseProxy === undefined ? [] : [databaseProxy]));
      replicas.push(
        new Replica(
          {
            index,
            file: resolve(dist, 'main.js'),
            cwd: folder,
            appId: account.appId,
            adminKey: keys.admin,
            clientKey: keys.client,
            wechatProxy,
            databaseProxy,
            env: {
              HOST: '127.0.0.1',
              PORT: '0',
              DATABASE_URL: database.urlThrough(databaseProxy?.port),
              WECHAT_APP_ID: account.appId,
              WECHAT_APP_SECRET: account.secret,
              WECHAT_TOKEN_MODE: options.mode,
              WECHAT_API_BASE_URL: `http://127.0.0.1:${wechatProxy.port}`,
              WECHAT_TIMEOUT_MS: String(terms.timeoutMs),
              ADMIN_API_KEY: keys.admin,
              CLIENT_API_KEY: keys.client,
              ENCRYPTION_KEY: encryptionKey,
              LOG_FORMAT: 'json',
              ...(index === clockReplica && clockFile !== undefined && faketime(clockFile)),
            },
          },
          recorder,
        ),
      );
    }
    onCleanUp(async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
    });
    onCleanUp(async () => {
      await Promise.all(replicas.map((replica) => replica.stop()));
    });
    const secrets = [
      { name: 'the AppSecret', text: account.secret },
      { name: 'the admin key', text: keys.admin },
      { name: 'the client key', text: keys.client },
      { name: 'the encryption key', text: encryptionKey },
    ];
    return new Cluster({ wechat, database, replicas, clockFile, secrets });
  }

  /** All at once: they migrate once. */
  async startReplicas(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.start()));
  }
}

/** Each replica's calls reach WeChat from an address of their own, so that the journal tells them apart. */
function startWechatProxy(url: string, index: number, recorder: Recorder): Promise<FaultyProxy> {
  return FaultyProxy.start({
    target: { host: '127.0.0.1', port: Number(new URL(url).port) },
    localAddress: `127.0.0.${index + 2}`,
    dropsWhenAbandoned: true,
    delayMs: DELAY_MS.wechat,
    onCall: (call) => {
      recorder.add({ kind: 'call', replica: index, ...call });
    },
  });
}

async function startDatabaseProxy({ address }: ChaosDatabase): Promise<FaultyProxy | undefined> {
  return address === undefined
    ? undefined
    : FaultyProxy.start({
        target: address,
        dropsWhenAbandoned: false,
        delayMs: DELAY_MS.database,
      });
}

/** Timers go on by the monotonic clock, which a wall clock that jumps does not touch. */
function faketime(clockFile: string): Record<string, string> {
  return {
    LD_PRELOAD: FAKETIME,
    FAKETIME_TIMESTAMP_FILE: clockFile,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

function secret(name: string): string {
  return `canary-${name}-${randomBytes(12).toString('hex')}`;
}
