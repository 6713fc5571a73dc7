import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { bigintColumn } from '../database/columns.js';

/** How often one client made the same call with the same outcome within a minute. */
@Entity('wtc_call_count')
@Index('wtc_call_count_at', ['at'])
@Index('wtc_call_count_app_id_at', ['appId', 'at'])
export class CallCountEntity {
  /** A digest of all that is counted apart, so that replicas count into one row. */
  @PrimaryColumn({ name: 'id', type: 'varchar', length: 36 })
  id!: string;

  /** The start of the minute, by the database's clock. */
  @Column(bigintColumn('at'))
  at!: number;

  /** Such as `token.report`: the feature's word, which the audit shows. */
  @Column({ name: 'action', type: 'varchar', length: 32 })
  action!: string;

  @Column({ name: 'client', type: 'varchar', length: 64 })
  client!: string;

  @Column({ name: 'app_id', type: 'varchar', length: 32 })
  appId!: string;

  /** What of the account was called, if the action has such a thing. */
  @Column({ name: 'target', type: 'varchar', length: 320, nullable: true })
  target!: string | null;

  /** Of the token that the client was answered with, or could not be answered with. */
  @Column(bigintColumn('version', { nullable: true }))
  version!: number | null;

  /** What the client was answered, or `failed:<code>`. */
  @Column({ name: 'outcome', type: 'varchar', length: 64 })
  outcome!: string;

  @Column(bigintColumn('calls'))
  calls!: number;

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
