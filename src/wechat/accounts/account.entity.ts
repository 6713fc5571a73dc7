import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { TokenMode } from '../../config/app-config.js';
import { bigintColumn } from '../../database/columns.js';

/**
 * An official account or mini program. Never leaves this folder: {@link Account} does.
 *
 * A removed account stays as a row without its secret: the other replicas learn of the removal from it,
 * the environment is kept from adding the account again, and no version of its credentials goes back.
 */
@Entity('wtc_account')
@Index('wtc_account_updated_at', ['updatedAt'])
export class AccountEntity {
  /** The AppID. */
  @PrimaryColumn({ type: 'varchar', length: 32 })
  appId!: string;

  @Column({ type: 'varchar', length: 100, nullable: true })
  name!: string | null;

  @Column({ type: 'varchar', length: 16 })
  mode!: TokenMode;

  /** The AppSecret, sealed; empty once the account is removed. */
  @Column({ type: 'text' })
  secret!: string;

  /** Grows with each change of secret or mode: a credential that was tried with an older one is due at once. */
  @Column({ type: 'int' })
  configVersion!: number;

  @Column({ type: 'int' })
  enabled!: number;

  /** Keyed fingerprint of the AppSecret that the environment last set, so that a restart undoes no admin's change. */
  @Column({ type: 'varchar', length: 128, nullable: true })
  environmentSecret!: string | null;

  /** The mode that the environment last set. */
  @Column({ type: 'varchar', length: 16, nullable: true })
  environmentMode!: TokenMode | null;

  /** The hosts whose pages are signed for the JS-SDK: a JSON array; null is any. */
  @Column({ type: 'simple-json', nullable: true })
  jssdkHosts!: string[] | null;

  @Column(bigintColumn())
  createdAt!: number;

  /** Grows with every statement that changes the row. */
  @Column(bigintColumn())
  revision!: number;

  @Column(bigintColumn())
  updatedAt!: number;

  /** When it was removed; null while it exists. */
  @Column(bigintColumn({ nullable: true }))
  removedAt!: number | null;

  /** Where the fences of its credentials start: above all that it had before it was removed and added again. */
  @Column(bigintColumn({ default: 0 }))
  fenceBase!: number;
}
