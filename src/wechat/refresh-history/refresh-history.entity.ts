import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { bigintAsNumber, bigintColumn } from '../../database/columns.js';

/**
 * One claimed refresh: opened by the claim, before WeChat is called, and closed by whoever settles it.
 * A row that stays open belongs to a process that died; the next claim closes it.
 */
@Entity('wtc_refresh_history')
@Index('wtc_refresh_history_app_id_started_at', ['appId', 'startedAt'])
@Index('wtc_refresh_history_started_at', ['startedAt'])
export class RefreshHistoryEntity {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  credentialId!: string;

  /** The fence of the claim; the version of what it committed. */
  @PrimaryColumn({ type: 'bigint', transformer: bigintAsNumber })
  fence!: number;

  @Column({ type: 'varchar', length: 32 })
  appId!: string;

  @Column({ type: 'varchar', length: 32 })
  kind!: string;

  /** `schedule`, `report` or `admin`; `import` for an imported value. */
  @Column({ type: 'varchar', length: 16 })
  cause!: string;

  @Column({ type: 'int' })
  forced!: number;

  /** The process that claimed, as `host:pid`. */
  @Column({ type: 'varchar', length: 128 })
  replica!: string;

  @Column(bigintColumn())
  startedAt!: number;

  @Column(bigintColumn({ nullable: true }))
  endedAt!: number | null;

  /** {@link RefreshOutcome}; null while it is under way. */
  @Column({ type: 'varchar', length: 16, nullable: true })
  outcome!: string | null;

  /** The contract's code of a failure. */
  @Column({ type: 'varchar', length: 32, nullable: true })
  code!: string | null;

  @Column({ type: 'int', nullable: true })
  errcode!: number | null;

  /** The id of the client whose report caused it, `admin` or `schedule`; null in rows of older processes. */
  @Column({ type: 'varchar', length: 64, nullable: true })
  actor!: string | null;

  /** The address that asked for it. */
  @Column({ type: 'varchar', length: 64, nullable: true })
  source!: string | null;

  @Column({ type: 'varchar', length: 128, nullable: true })
  requestId!: string | null;

  @Column(bigintColumn({ nullable: true }))
  versionBefore!: number | null;
}
