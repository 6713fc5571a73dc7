import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';
import type { GatewayRights } from '../access/client-directory.js';
import type { Scope } from '../access/scope.js';
import { bigintColumn } from '../database/columns.js';

/**
 * A client. Never leaves this folder. Times are milliseconds since 1970 by the database's clock.
 *
 * A removed client is a tombstone for a day, so that every replica learns of it: `removed_at` is set and
 * `id` is null, which makes the name free at once for another client, whose keys are others.
 */
@Entity('wtc_client')
@Unique('wtc_client_id', ['id'])
@Index('wtc_client_updated_at', ['updatedAt'])
export class ClientEntity {
  /** Random: what keys refer to. */
  @PrimaryColumn({ type: 'varchar', length: 36 })
  rowId!: string;

  @Column({ type: 'varchar', length: 64, nullable: true })
  id!: string | null;

  @Column({ type: 'varchar', length: 100 })
  name!: string;

  @Column({ type: 'simple-json' })
  scopes!: Scope[];

  @Column({ type: 'simple-json' })
  accounts!: 'all' | string[];

  @Column({ type: 'simple-json' })
  gateway!: GatewayRights;

  @Column(bigintColumn({ nullable: true }))
  expiresAt!: number | null;

  @Column(bigintColumn())
  createdAt!: number;

  /** Grows with every statement that changes the row. */
  @Column(bigintColumn())
  revision!: number;

  @Column(bigintColumn())
  updatedAt!: number;

  @Column(bigintColumn({ nullable: true }))
  removedAt!: number | null;
}
