import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { bigintColumn } from '../database/columns.js';

/**
 * One action of an admin: written before it is done, and closed after (docs/adr/0006). A row that stays
 * `started` belongs to a process that died, or that could not write how it ended.
 */
@Entity('wtc_audit')
@Index('wtc_audit_at', ['at'])
@Index('wtc_audit_app_id_at', ['appId', 'at'])
export class AuditEntity {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id!: string;

  /** Before the action, by the database's clock. */
  @Column(bigintColumn())
  at!: number;

  /** `admin`. */
  @Column({ type: 'varchar', length: 64 })
  actor!: string;

  @Column({ type: 'varchar', length: 32 })
  action!: string;

  @Column({ type: 'varchar', length: 32, nullable: true })
  appId!: string | null;

  /** The client's id, and behind a slash the key's. */
  @Column({ type: 'varchar', length: 160, nullable: true })
  target!: string | null;

  /** `started`, `ok`, `refused:<code>` or `failed:<code>`. */
  @Column({ type: 'varchar', length: 64 })
  outcome!: string;

  /** The address that the request came from. */
  @Column({ type: 'varchar', length: 64 })
  source!: string;

  @Column({ type: 'varchar', length: 128 })
  requestId!: string;

  @Column(bigintColumn({ nullable: true }))
  versionBefore!: number | null;

  @Column(bigintColumn({ nullable: true }))
  versionAfter!: number | null;

  /** The process that did it, as `host:pid`. */
  @Column({ type: 'varchar', length: 128 })
  replica!: string;

  /** In the admin's own words, cleaned of what looks like a secret. */
  @Column({ type: 'varchar', length: 200, nullable: true })
  reason!: string | null;
}
