import { Table, type MigrationInterface, type QueryRunner, type TableColumnOptions } from 'typeorm';

/** Accounts, credentials and their refreshes, IP lists, and the row that proves that the encryption key is the right one. */
/* A table that is there already was made by a start that was killed half way (MySQL has no DDL in transactions). */
export class Initial1795300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(new Table({ name: 'key_check', columns: keyCheck }), true);
    await runner.createTable(new Table({ name: 'account', columns: account }), true);
    await runner.createTable(
      new Table({
        name: 'credential',
        columns: credential,
        uniques: [{ name: 'credential_app_id_kind', columnNames: ['app_id', 'kind'] }],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: 'refresh_history',
        columns: refreshHistory,
        indices: [
          { name: 'refresh_history_app_id_started_at', columnNames: ['app_id', 'started_at'] },
        ],
      }),
      true,
    );
    await runner.createTable(new Table({ name: 'ip_list', columns: ipList }), true);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['ip_list', 'refresh_history', 'credential', 'account', 'key_check']) {
      await runner.dropTable(table);
    }
  }
}

const text = (name: string, isNullable = false): TableColumnOptions => ({
  name,
  type: 'text',
  isNullable,
});

const varchar = (name: string, length: number, isNullable = false): TableColumnOptions => ({
  name,
  type: 'varchar',
  length: String(length),
  isNullable,
});

/** Milliseconds since 1970 by the database's clock, or a counter. */
const bigint = (name: string, isNullable = false): TableColumnOptions => ({
  name,
  type: 'bigint',
  isNullable,
});

const int = (name: string, isNullable = false): TableColumnOptions => ({
  name,
  type: 'integer',
  isNullable,
});

const primary = (column: TableColumnOptions): TableColumnOptions => ({
  ...column,
  isPrimary: true,
});

const keyCheck = [primary(int('id')), text('sealed')];

const account = [
  primary(varchar('app_id', 32)),
  varchar('name', 100, true),
  varchar('mode', 16),
  text('secret'),
  int('config_version'),
  int('enabled'),
  varchar('environment_secret', 128, true),
  varchar('environment_mode', 16, true),
  bigint('created_at'),
  bigint('updated_at'),
];

const credential = [
  primary(varchar('id', 36)),
  varchar('app_id', 32),
  varchar('kind', 32),
  text('value', true),
  bigint('version'),
  bigint('fence'),
  bigint('revision'),
  varchar('owner', 64, true),
  bigint('lease_until'),
  bigint('attempt_at'),
  int('attempt_forced'),
  int('config_version'),
  bigint('obtained_at'),
  bigint('expires_at'),
  bigint('lifetime_ms'),
  bigint('suspect_at', true),
  int('unknown_outcomes'),
  bigint('dead_at', true),
  bigint('next_attempt_at'),
  int('failures'),
  text('last_error', true),
  bigint('ledger_full_at'),
  text('forced_at'),
  int('calls_day'),
  int('calls_today'),
  int('foreign_rotations'),
];

const refreshHistory = [
  primary(varchar('credential_id', 36)),
  primary(bigint('fence')),
  varchar('app_id', 32),
  varchar('kind', 32),
  varchar('cause', 16),
  int('forced'),
  varchar('replica', 128),
  bigint('started_at'),
  bigint('ended_at', true),
  varchar('outcome', 16, true),
  varchar('code', 32, true),
  int('errcode', true),
];

const ipList = [
  primary(varchar('app_id', 32)),
  primary(varchar('kind', 16)),
  text('entries'),
  bigint('fetched_at'),
];
