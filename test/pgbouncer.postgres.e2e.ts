import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createDatabase, openDatabase, type TestDatabase } from './support/database.js';
import { startPgbouncer, type Pooler } from './support/pgbouncer.js';
import {
  ADMIN_KEY,
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  startService,
  type Service,
  type TokenBody,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

const MODES = ['session', 'transaction'] as const;

let database: TestDatabase;
let wechat: Simulator;
let pooler: Pooler;
const services: Service[] = [];

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.close()));
  await pooler.stop();
  await wechat.close();
  await database.remove();
});

async function startTwo(): Promise<Service[]> {
  const pair = await Promise.all(
    [0, 1].map(() => startService(wechat, { DATABASE_URL: pooler.url })),
  );
  services.push(...pair);
  await Promise.all(pair.map((service) => service.ready()));
  return pair;
}

describe('behind pgbouncer', () => {
  it.each(MODES)(
    'in %s mode two replicas migrate once, share one token and refresh it',
    async (mode) => {
      pooler = await startPgbouncer(database.url, mode);
      const [first, second] = await startTwo();
      const path = `/v1/accounts/${APP_ID}/access-token`;
      const read = await first!.call<TokenBody>('GET', path, { key: CLIENT_KEY });
      expect(read.status).toBe(200);
      expect(await wechat.tokens(APP_ID)).toHaveLength(1);
      const refresh = await second!.call(
        'POST',
        `/v1/admin/accounts/${APP_ID}/access-token/refresh`,
        {
          key: ADMIN_KEY,
          body: { force: true },
        },
      );
      expect(refresh).toMatchObject({ status: 200, body: { rotated: true } });
      const direct = await openDatabase(database);
      try {
        expect(await direct.query('SELECT name FROM wtc_migrations')).toHaveLength(1);
        // No lock of a session stays with a connection of the pooler.
        expect(
          await direct.query("SELECT pid FROM pg_locks WHERE locktype = 'advisory'"),
        ).toHaveLength(0);
        // The server limits each statement, in every session and without a start parameter.
        expect(await direct.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '5s' }]);
      } finally {
        await direct.destroy();
      }
    },
  );
});
