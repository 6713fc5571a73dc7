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
  @PrimaryColumn({ name: 'app_id', type: 'varchar', length: 32 })
  appId!: string;

  @Column({ name: 'name', type: 'varchar', length: 100, nullable: true })
  name!: string | null;

  @Column({ name: 'mode', type: 'varchar', length: 16 })
  mode!: TokenMode;

  /** The AppSecret, sealed; empty once the account is removed. */
  @Column({ name: 'secret', type: 'text' })
  secret!: string;

  /** Grows with each change of secret or mode: a credential that was tried with an older one is due at once. */
  @Column({ name: 'config_version', type: 'int' })
  configVersion!: number;

  @Column({ name: 'enabled', type: 'int' })
  enabled!: number;

  /** Keyed fingerprint of the AppSecret that the environment last set, so that a restart undoes no admin's change. */
  @Column({ name: 'environment_secret', type: 'varchar', length: 128, nullable: true })
  environmentSecret!: string | null;

  /** The mode that the environment last set. */
  @Column({ name: 'environment_mode', type: 'varchar', length: 16, nullable: true })
  environmentMode!: TokenMode | null;

  /** The hosts whose pages are signed for the JS-SDK: a JSON array; null is any. */
  @Column({ name: 'jssdk_hosts', type: 'simple-json', nullable: true })
  jssdkHosts!: string[] | null;

  @Column(bigintColumn('created_at'))
  createdAt!: number;

  /** Grows with every statement that changes the row. */
  @Column(bigintColumn('revision'))
  revision!: number;

  @Column(bigintColumn('updated_at'))
  updatedAt!: number;

  /** When it was removed; null while it exists. */
  @Column(bigintColumn('removed_at', { nullable: true }))
  removedAt!: number | null;

  /** Where the fences of its credentials start: above all that it had before it was removed and added again. */
  @Column(bigintColumn('fence_base', { default: 0 }))
  fenceBase!: number;
}
