import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { bigintColumn } from '../database/columns.js';

/** How often one client made the same call with the same outcome within a minute. */
@Entity('wtc_call_count')
@Index('wtc_call_count_at', ['at'])
@Index('wtc_call_count_app_id_at', ['appId', 'at'])
export class CallCountEntity {
  /** A digest of all that is counted apart, so that replicas count into one row. */
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id!: string;

  /** The start of the minute, by the database's clock. */
  @Column(bigintColumn())
  at!: number;

  /** Such as `token.report`: the feature's word, which the audit shows. */
  @Column({ type: 'varchar', length: 32 })
  action!: string;

  @Column({ type: 'varchar', length: 64 })
  client!: string;

  @Column({ type: 'varchar', length: 32 })
  appId!: string;

  /** What of the account was called, if the action has such a thing. */
  @Column({ type: 'varchar', length: 320, nullable: true })
  target!: string | null;

  /** Of the token that the client was answered with, or could not be answered with. */
  @Column(bigintColumn({ nullable: true }))
  version!: number | null;

  /** What the client was answered, or `failed:<code>`. */
  @Column({ type: 'varchar', length: 64 })
  outcome!: string;

  @Column(bigintColumn())
  calls!: number;

  /** The address that the last one came from. */
  @Column({ type: 'varchar', length: 64 })
  source!: string;

  /** Of the last one. */
  @Column({ type: 'varchar', length: 128 })
  requestId!: string;

  /** The process that the last one came to, as `host:pid`. */
  @Column({ type: 'varchar', length: 128 })
  replica!: string;
}
