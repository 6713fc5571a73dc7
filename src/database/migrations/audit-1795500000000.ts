import {
  Table,
  TableColumn,
  TableIndex,
  type MigrationInterface,
  type QueryRunner,
  type TableColumnOptions,
} from 'typeorm';

/** Who did what: the actions of admins, reports and reads by the minute, and who caused a refresh. */
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
    await runner.createTable(
      new Table({
        name: 'report_count',
        columns: reportCount,
        indices: [
          { name: 'report_count_at', columnNames: ['at'] },
          { name: 'report_count_app_id_at', columnNames: ['app_id', 'at'] },
        ],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: 'read_count',
        columns: readCount,
        indices: [
          { name: 'read_count_at', columnNames: ['at', 'client', 'app_id', 'kind'] },
          { name: 'read_count_app_id_at', columnNames: ['app_id', 'at'] },
        ],
      }),
      true,
    );
    await extendHistory(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropIndex(HISTORY, STARTED_AT);
    await runner.dropColumns(
      HISTORY,
      historyColumns.map(({ name }) => name),
    );
    for (const table of ['read_count', 'report_count', 'audit']) {
      await runner.dropTable(table);
    }
  }
}

const HISTORY = 'refresh_history';
const STARTED_AT = 'refresh_history_started_at';

async function extendHistory(runner: QueryRunner): Promise<void> {
  for (const column of historyColumns) {
    if (!(await runner.hasColumn(HISTORY, column.name))) {
      await runner.addColumn(HISTORY, new TableColumn(column));
    }
  }
  const table = await runner.getTable(HISTORY);
  if (table?.indices.some(({ name }) => name === STARTED_AT) !== true) {
    const index = new TableIndex({ name: STARTED_AT, columnNames: ['started_at'] });
    await runner.createIndex(HISTORY, index);
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

const reportCount = [
  { ...varchar('id', 36), isPrimary: true },
  bigint('at'),
  varchar('client', 64),
  varchar('app_id', 32),
  bigint('version'),
  varchar('outcome', 64),
  bigint('reports'),
  varchar('source', 64),
  varchar('request_id', 128),
  varchar('replica', 128),
];

const readCount = [
  { ...varchar('id', 36), isPrimary: true },
  bigint('at'),
  varchar('client', 64),
  varchar('app_id', 32),
  varchar('kind', 32),
  bigint('reads'),
];

const historyColumns = [
  varchar('actor', 64, true),
  varchar('source', 64, true),
  varchar('request_id', 128, true),
  bigint('version_before', true),
];
