import { FaultyProxy } from '../chaos/proxy.js';
import type { PinnedProcess } from './pinned-process.js';
import { PostgresDatabase } from './postgres.js';
import { untilDatabaseUp, type World } from './world.js';

/** A service with a PostgreSQL database of its own, which can be made to take bytes and answer nothing. */
export class FreezableService {
  static async start(world: World, wechat: PinnedProcess): Promise<FreezableService> {
    const database = await PostgresDatabase.create(world);
    const proxy = await FaultyProxy.start({
      target: database.address,
      dropsWhenAbandoned: false,
      delayMs: 0,
    });
    world.atEnd(() => proxy.close());
    const process = await world.service(wechat, { database: database.url(proxy.port) });
    return new FreezableService(process, proxy);
  }

  private constructor(
    readonly process: PinnedProcess,
    private readonly proxy: FaultyProxy,
  ) {}

  /** Does the work while the database is frozen, and waits until it has been reached again. */
  async whileFrozen<Result>(work: () => Promise<Result>): Promise<Result> {
    const thaw = this.proxy.strike('freeze');
    const result = await work().finally(thaw);
    await untilDatabaseUp(this.process);
    return result;
  }
}
