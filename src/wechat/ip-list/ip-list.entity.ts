import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintColumn } from '../../database/columns.js';
import type { IpListKind } from './ip-list.dto.js';

/** The last list that WeChat gave. Never leaves the repository. */
@Entity('wtc_ip_list')
export class IpListEntity {
  @PrimaryColumn({ type: 'varchar', length: 32 })
  appId!: string;

  @PrimaryColumn({ type: 'varchar', length: 16 })
  kind!: IpListKind;

  /** As WeChat wrote them, in numeric order: a JSON array. */
  @Column({ type: 'simple-json' })
  entries!: string[];

  /** By the database's clock, before the call: milliseconds since 1970. */
  @Column(bigintColumn())
  fetchedAt!: number;
}
