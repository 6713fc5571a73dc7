import { Table, type MigrationInterface, type QueryRunner, type TableColumnOptions } from 'typeorm';

/** Who did what: the actions of admins. */
/* A table that is there already was made by a start that was killed half way (MySQL has no DDL in transactions). */
export class Audit1795500000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'audit',
        columns: audit,
        indices: [
          { name: 'audit_at', columnNames: ['at'] },
          { name: 'audit_app_id_at', columnNames: ['app_id', 'at'] },
        ],
      }),
      true,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('audit');
  }
}

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

const audit = [
  { ...varchar('id', 36), isPrimary: true },
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
];
