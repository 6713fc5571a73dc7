import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';
import { bigintColumn } from '../database/columns.js';

/**
 * A key of a client: its hash, never the key. Never leaves this folder. Times are milliseconds since 1970
 * by the database's clock.
 *
 * An active key stands in slot 1 or 2 of its client, so that the database itself refuses a third. A revoked one is
 * a tombstone for a day: `revoked_at` is set, `hash` and `slot` are null.
 */
@Entity('wtc_client_key')
@Unique('wtc_client_key_slot', ['clientRowId', 'slot'])
@Index('wtc_client_key_updated_at', ['updatedAt'])
export class ClientKeyEntity {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id!: string;

  @Column({ type: 'varchar', length: 36 })
  clientRowId!: string;

  /** Null for a revoked key alone. */
  @Column({ type: 'int', nullable: true })
  slot!: number | null;

  /** SHA-256, base64url. */
  @Column({ type: 'varchar', length: 43, nullable: true })
  hash!: string | null;

  @Column({ type: 'varchar', length: 100, nullable: true })
  name!: string | null;

  @Column(bigintColumn({ nullable: true }))
  expiresAt!: number | null;

  /** Not among the changes that replicas look for: it is written without `revision` and `updated_at`. */
  @Column(bigintColumn({ nullable: true }))
  lastUsedAt!: number | null;

  @Column(bigintColumn())
  createdAt!: number;

  /** Grows with every statement that changes the row, save of `last_used_at`. */
  @Column(bigintColumn())
  revision!: number;

  @Column(bigintColumn())
  updatedAt!: number;

  @Column(bigintColumn({ nullable: true }))
  revokedAt!: number | null;
}
