import {
  Table,
  type MigrationInterface,
  type QueryRunner,
  type TableColumnOptions,
  type TableOptions,
} from 'typeorm';

/**
 * Every table of the service. Names of tables and indices begin with `wtc_`, so that they clash with nobody's.
 *
 * `createTable(…, true)` passes over a table that exists: MySQL commits each one, so a start that was killed
 * half way left some behind.
 */
export class Initial1795300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) {
      await runner.createTable(new Table(table), true);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const { name } of [...TABLES].reverse()) {
      await runner.dropTable(name);
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

/** Of a table whose rows every replica has in memory; each change of a row raises the one and sets the other. */
const FOLLOWED = [bigint('revision'), bigint('updated_at')];

const TABLES: readonly TableOptions[] = [
  // The row that proves that the encryption key is the right one.
  { name: 'wtc_key_check', columns: [primary(int('id')), text('sealed')] },
  {
    name: 'wtc_account',
    columns: [
      primary(varchar('app_id', 32)),
      varchar('name', 100, true),
      varchar('mode', 16),
      text('secret'),
      int('config_version'),
      int('enabled'),
      varchar('environment_secret', 128, true),
      varchar('environment_mode', 16, true),
      // The hosts whose pages an account has signed, as JSON; null is any.
      text('jssdk_hosts', true),
      bigint('created_at'),
      ...FOLLOWED,
      // A removed account stays as a row without its secret; `fence_base` keeps its versions from going back.
      bigint('removed_at', true),
      { ...bigint('fence_base'), default: 0 },
    ],
    indices: [{ name: 'wtc_account_updated_at', columnNames: ['updated_at'] }],
  },
  {
    name: 'wtc_credential',
    columns: [
      primary(varchar('id', 36)),
      varchar('app_id', 32),
      varchar('kind', 32),
      text('value', true),
      bigint('version'),
      bigint('fence'),
      ...FOLLOWED,
      varchar('owner', 64, true),
      bigint('lease_until'),
      bigint('claimed_at'),
      bigint('fetch_ended_at'),
      int('attempt_forced'),
      int('force_next'),
      int('config_version'),
      bigint('obtained_at'),
      bigint('expires_at'),
      bigint('lifetime_ms'),
      // SHA-256 in base64url of the value before this one, and until when WeChat accepts that.
      varchar('previous_hash', 43, true),
      bigint('previous_until', true),
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
    ],
    uniques: [{ name: 'wtc_credential_app_id_kind', columnNames: ['app_id', 'kind'] }],
  },
  {
    name: 'wtc_refresh_history',
    columns: [
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
      varchar('actor', 64, true),
      varchar('source', 64, true),
      varchar('request_id', 128, true),
      bigint('version_before', true),
    ],
    indices: [
      { name: 'wtc_refresh_history_app_id_started_at', columnNames: ['app_id', 'started_at'] },
      { name: 'wtc_refresh_history_started_at', columnNames: ['started_at'] },
    ],
  },
  {
    name: 'wtc_ip_list',
    columns: [
      primary(varchar('app_id', 32)),
      primary(varchar('kind', 16)),
      text('entries'),
      bigint('fetched_at'),
    ],
  },
  // When each ticket was asked for last, so that replicas and restarts keep alive those that are needed.
  {
    name: 'wtc_ticket_demand',
    columns: [primary(varchar('app_id', 32)), primary(varchar('type', 16)), bigint('asked_at')],
  },
  {
    name: 'wtc_client',
    columns: [
      primary(varchar('row_id', 36)),
      varchar('id', 64, true),
      varchar('name', 100),
      text('scopes'),
      text('accounts'),
      text('gateway'),
      bigint('expires_at', true),
      bigint('created_at'),
      ...FOLLOWED,
      bigint('removed_at', true),
    ],
    uniques: [{ name: 'wtc_client_id', columnNames: ['id'] }],
    indices: [{ name: 'wtc_client_updated_at', columnNames: ['updated_at'] }],
  },
  {
    name: 'wtc_client_key',
    columns: [
      primary(varchar('id', 36)),
      varchar('client_row_id', 36),
      int('slot', true),
      varchar('hash', 43, true),
      varchar('name', 100, true),
      bigint('expires_at', true),
      bigint('last_used_at', true),
      bigint('created_at'),
      ...FOLLOWED,
      bigint('revoked_at', true),
    ],
    uniques: [{ name: 'wtc_client_key_slot', columnNames: ['client_row_id', 'slot'] }],
    indices: [{ name: 'wtc_client_key_updated_at', columnNames: ['updated_at'] }],
  },
  {
    name: 'wtc_audit',
    columns: [
      primary(varchar('id', 36)),
      bigint('at'),
      varchar('actor', 64),
      varchar('action', 32),
      varchar('app_id', 32, true),
      varchar('target', 160, true),
      varchar('outcome', 64),
      varchar('source', 64),
      varchar('request_id', 128),
      bigint('version_before', true),
      bigint('version_after', true),
      varchar('replica', 128),
      varchar('reason', 200, true),
    ],
    indices: [
      { name: 'wtc_audit_at', columnNames: ['at'] },
      { name: 'wtc_audit_app_id_at', columnNames: ['app_id', 'at'] },
    ],
  },
  {
    name: 'wtc_call_count',
    columns: [
      primary(varchar('id', 36)),
      bigint('at'),
      varchar('action', 32),
      varchar('client', 64),
      varchar('app_id', 32),
      varchar('target', 320, true),
      bigint('version', true),
      varchar('outcome', 64),
      bigint('calls'),
      varchar('source', 64),
      varchar('request_id', 128),
      varchar('replica', 128),
    ],
    indices: [
      { name: 'wtc_call_count_at', columnNames: ['at'] },
      { name: 'wtc_call_count_app_id_at', columnNames: ['app_id', 'at'] },
    ],
  },
  {
    name: 'wtc_read_count',
    columns: [
      primary(varchar('id', 36)),
      bigint('at'),
      varchar('client', 64),
      varchar('app_id', 32),
      varchar('kind', 32),
      bigint('reads'),
    ],
    indices: [
      { name: 'wtc_read_count_at', columnNames: ['at', 'client', 'app_id', 'kind'] },
      { name: 'wtc_read_count_app_id_at', columnNames: ['app_id', 'at'] },
    ],
  },
];
