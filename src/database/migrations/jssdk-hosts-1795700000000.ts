import type { MigrationInterface, QueryRunner } from 'typeorm';
import { TableColumn } from 'typeorm';

/** The hosts whose pages an account has signed; null is any. */
export class JssdkHosts1795700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    if (!(await runner.hasColumn('account', 'jssdk_hosts'))) {
      const column = new TableColumn({ name: 'jssdk_hosts', type: 'text', isNullable: true });
      await runner.addColumn('account', column);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropColumn('account', 'jssdk_hosts');
  }
}
