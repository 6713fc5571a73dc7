import { Table, type MigrationInterface, type QueryRunner } from 'typeorm';

/** When each ticket was asked for last, so that replicas and restarts keep alive those that are wanted. */
export class Tickets1795650000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const columns = [
      { name: 'app_id', type: 'varchar', length: '32', isPrimary: true },
      { name: 'type', type: 'varchar', length: '16', isPrimary: true },
      { name: 'asked_at', type: 'bigint' },
    ];
    await runner.createTable(new Table({ name: 'ticket_demand', columns }), true);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('ticket_demand');
  }
}
