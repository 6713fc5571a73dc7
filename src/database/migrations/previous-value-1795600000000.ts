import { TableColumn, type MigrationInterface, type QueryRunner } from 'typeorm';

/** What is known of the value before the current one, so that every replica knows it: its hash, and how long it is good. */
/* A column that is there already was added by a start that was killed half way (MySQL has no DDL in transactions). */
export class PreviousValue1795600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const column of columns()) {
      if (!(await runner.hasColumn('credential', column.name))) {
        await runner.addColumn('credential', column);
      }
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const { name } of columns()) {
      await runner.dropColumn('credential', name);
    }
  }
}

/** SHA-256 in base64url has 43 characters; the time is milliseconds since 1970 by the database's clock. */
const columns = (): TableColumn[] => [
  new TableColumn({ name: 'previous_hash', type: 'varchar', length: '43', isNullable: true }),
  new TableColumn({ name: 'previous_until', type: 'bigint', isNullable: true }),
];
