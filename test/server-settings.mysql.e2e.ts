import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { startMariadb, type MariadbServer } from './support/mariadb.js';
import { ADMIN_KEY, APP_ID, APP_SECRET, startService, type Service } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * A server whose defaults are not what the service needs. Under NO_BACKSLASH_ESCAPES a name with a quote was an
 * injection; with latin1 or utf8mb3 a Chinese name was "The database does not answer".
 */
describe.each([
  [
    'latin1, ANSI quotes, no backslash escapes, not strict',
    [
      '--character-set-server=latin1',
      '--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES',
      '--default-time-zone=+05:30',
      '--wait-timeout=3',
      '--transaction-isolation=READ-UNCOMMITTED',
      '--autocommit=0',
    ],
  ],
  ['utf8mb3, strict', ['--character-set-server=utf8mb3', '--sql-mode=TRADITIONAL']],
])('a server with %s', (_, settings) => {
  let server: MariadbServer;
  let wechat: Simulator;
  let service: Service;

  beforeAll(async () => {
    server = await startMariadb(settings);
    wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  }, 120_000);
  afterAll(async () => {
    await wechat.close();
    await server.stop();
  });

  beforeEach(async () => {
    service = await startService(wechat, { DATABASE_URL: server.url });
    await service.ready();
  }, 60_000);
  afterEach(() => service.close());

  async function names(path: string): Promise<unknown[]> {
    const { body } = await service.call<{ items: { name: unknown }[] }>('GET', path, {
      key: ADMIN_KEY,
    });
    return body.items.map(({ name }) => name);
  }

  it('keeps names to the letter, and a name writes no other row', async () => {
    const named = [
      "商城 😀 O'Brien",
      String.raw`back\slash and "quotes"`,
      "x', name = 'taken' -- ",
    ];
    for (const [index, name] of named.entries()) {
      const created = await service.call('POST', '/v1/admin/clients', {
        key: ADMIN_KEY,
        body: { id: `client-${index}`, name, scopes: ['token:read'] },
      });
      expect(created.status).toBe(201);
    }
    expect(await names('/v1/admin/clients')).toEqual(named);
    const update = await service.call('PATCH', `/v1/admin/accounts/${APP_ID}`, {
      key: ADMIN_KEY,
      body: { name: "旗舰店 🛍 d'été" },
    });
    expect(update.status).toBe(200);
  });

  it('still has them after a restart, and a key made before is known', async () => {
    expect(await names('/v1/admin/accounts')).toEqual(["旗舰店 🛍 d'été"]);
    const { body } = await service.call<{ key: string }>(
      'POST',
      '/v1/admin/clients/client-0/keys',
      { key: ADMIN_KEY },
    );
    const path = `/v1/accounts/${APP_ID}/access-token`;
    expect(await service.call('GET', path, { key: body.key })).toMatchObject({ status: 200 });
  });

  it('has none of its settings in our sessions', async () => {
    const sql =
      'SELECT @@sql_mode AS mode, @@time_zone AS zone, @@autocommit AS autocommit, @@wait_timeout AS wait,' +
      ' @@tx_isolation AS isolation, @@character_set_connection AS charset, @@collation_database AS collation';
    expect(await service.app.get(DataSource).query(sql)).toMatchObject([
      {
        mode: 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
        zone: '+00:00',
        autocommit: '1',
        wait: '600',
        isolation: 'REPEATABLE-READ',
        charset: 'utf8mb4',
        collation: 'utf8mb4_bin',
      },
    ]);
  });
});
