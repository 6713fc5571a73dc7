import {
  TableColumn,
  TableIndex,
  type MigrationInterface,
  type QueryRunner,
  type TableColumnOptions,
} from 'typeorm';

/** Accounts that come, change and go at run time: what other replicas learn of them from their rows. */
/* A column that is there already was made by a start that was killed half way (MySQL has no DDL in transactions). */
export class RuntimeAccounts1795550000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const column of columns) {
      if (!(await runner.hasColumn('account', column.name))) {
        await runner.addColumn('account', new TableColumn(column));
      }
    }
    const table = await runner.getTable('account');
    if (table?.indices.some(({ name }) => name === updatedAt.name) !== true) {
      await runner.createIndex('account', updatedAt);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropIndex('account', 'account_updated_at');
    for (const { name } of columns) {
      await runner.dropColumn('account', name);
    }
  }
}

const columns: TableColumnOptions[] = [
  { name: 'removed_at', type: 'bigint', isNullable: true },
  { name: 'fence_base', type: 'bigint', default: 0 },
];

const updatedAt = new TableIndex({ name: 'account_updated_at', columnNames: ['updated_at'] });
