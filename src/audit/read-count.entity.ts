import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { bigintColumn } from '../database/columns.js';

/** How often one client read one credential within a minute, as one process counted it. */
@Entity('wtc_read_count')
@Index('wtc_read_count_at', ['at', 'client', 'appId', 'kind'])
@Index('wtc_read_count_app_id_at', ['appId', 'at'])
export class ReadCountEntity {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id!: string;

  /** The start of the minute, by the database's clock. */
  @Column(bigintColumn())
  at!: number;

  @Column({ type: 'varchar', length: 64 })
  client!: string;

  @Column({ type: 'varchar', length: 32 })
  appId!: string;

  @Column({ type: 'varchar', length: 32 })
  kind!: string;

  @Column(bigintColumn())
  reads!: number;
}
