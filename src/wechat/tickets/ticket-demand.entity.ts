import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintColumn } from '../../database/columns.js';
import type { TicketType } from './ticket-type.js';

/** When a ticket was asked for last, to the hour. Never leaves the repository. */
@Entity('wtc_ticket_demand')
export class TicketDemandEntity {
  @PrimaryColumn({ type: 'varchar', length: 32 })
  appId!: string;

  @PrimaryColumn({ type: 'varchar', length: 16 })
  type!: TicketType;

  /** By the database's clock: milliseconds since 1970. */
  @Column(bigintColumn())
  askedAt!: number;
}
