import { Table, type MigrationInterface, type QueryRunner, type TableColumnOptions } from 'typeorm';

/** Clients and their keys. */
/* A table that is there already was made by a start that was killed half way (MySQL has no DDL in transactions). */
export class Clients1795400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'client',
        columns: client,
        uniques: [{ name: 'client_id', columnNames: ['id'] }],
        indices: [{ name: 'client_updated_at', columnNames: ['updated_at'] }],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: 'client_key',
        columns: clientKey,
        uniques: [{ name: 'client_key_slot', columnNames: ['client_row_id', 'slot'] }],
        indices: [{ name: 'client_key_updated_at', columnNames: ['updated_at'] }],
      }),
      true,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('client_key');
    await runner.dropTable('client');
  }
}

const text = (name: string): TableColumnOptions => ({ name, type: 'text' });

const varchar = (name: string, length: number, isNullable = false): TableColumnOptions => ({
  name,
  type: 'varchar',
  length: String(length),
  isNullable,
});

/** Milliseconds since 1970 by the database's clock. */
const bigint = (name: string, isNullable = false): TableColumnOptions => ({
  name,
  type: 'bigint',
  isNullable,
});

const client: TableColumnOptions[] = [
  { ...varchar('row_id', 36), isPrimary: true },
  varchar('id', 64, true),
  varchar('name', 100),
  text('scopes'),
  text('accounts'),
  bigint('expires_at', true),
  bigint('created_at'),
  bigint('updated_at'),
  bigint('removed_at', true),
];

const clientKey: TableColumnOptions[] = [
  { ...varchar('id', 36), isPrimary: true },
  varchar('client_row_id', 36),
  { name: 'slot', type: 'integer', isNullable: true },
  varchar('hash', 43, true),
  varchar('name', 100, true),
  bigint('expires_at', true),
  bigint('last_used_at', true),
  bigint('created_at'),
  bigint('updated_at'),
  bigint('revoked_at', true),
];
