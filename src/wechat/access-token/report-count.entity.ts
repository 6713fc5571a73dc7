import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { bigintColumn } from '../../database/columns.js';

/** The reports of one client about one version within a minute that ended alike, on all replicas together. */
@Entity('wtc_report_count')
@Index('wtc_report_count_at', ['at'])
@Index('wtc_report_count_app_id_at', ['appId', 'at'])
export class ReportCountEntity {
  /** A digest of all that is counted apart, so that replicas count into one row. */
  @PrimaryColumn({ name: 'id', type: 'varchar', length: 36 })
  id!: string;

  /** The start of the minute, by the database's clock. */
  @Column(bigintColumn('at'))
  at!: number;

  @Column({ name: 'client', type: 'varchar', length: 64 })
  client!: string;

  @Column({ name: 'app_id', type: 'varchar', length: 32 })
  appId!: string;

  /** The one that the client was answered with, or could not be answered with. */
  @Column(bigintColumn('version'))
  version!: number;

  /** What the client was answered, or `failed:<code>`. */
  @Column({ name: 'outcome', type: 'varchar', length: 64 })
  outcome!: string;

  @Column(bigintColumn('reports'))
  reports!: number;

  /** The address that the last one came from. */
  @Column({ name: 'source', type: 'varchar', length: 64 })
  source!: string;

  /** Of the last one. */
  @Column({ name: 'request_id', type: 'varchar', length: 128 })
  requestId!: string;

  /** The process that the last one came to, as `host:pid`. */
  @Column({ name: 'replica', type: 'varchar', length: 128 })
  replica!: string;
}
