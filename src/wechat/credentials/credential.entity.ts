import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';
import { bigintColumn } from '../../database/columns.js';

/**
 * One credential: its value, and in the same row the lease, the fence, the write-ahead intent and the
 * ledger of the refresh (docs/adr/0003). Times are milliseconds since 1970 by the database's clock.
 *
 * In flight is `owner` that is not null: a process has claimed the row and may have called WeChat.
 * Every statement raises `revision` and sets `updated_at`; only a commit raises `version`, to the `fence` of its claim.
 */
@Entity('wtc_credential')
@Unique('wtc_credential_app_id_kind', ['appId', 'kind'])
export class CredentialEntity {
  /** Random, so that a row that was removed and made again is known to be another. */
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id!: string;

  @Column({ type: 'varchar', length: 32 })
  appId!: string;

  @Column({ type: 'varchar', length: 32 })
  kind!: string;

  /** The token or ticket, sealed; null before the first. */
  @Column({ type: 'text', nullable: true })
  value!: string | null;

  /** Of the value that the last commit replaced (value-hash.ts); null where there was none. */
  @Column({ type: 'varchar', length: 43, nullable: true })
  previousHash!: string | null;

  /** Until when WeChat accepts that one beside the current value; null where it does not at all. */
  @Column(bigintColumn({ nullable: true }))
  previousUntil!: number | null;

  @Column(bigintColumn())
  version!: number;

  @Column(bigintColumn())
  fence!: number;

  @Column(bigintColumn())
  revision!: number;

  @Column(bigintColumn())
  updatedAt!: number;

  /** Who has claimed the row; null when nothing is in flight. */
  @Column({ type: 'varchar', length: 64, nullable: true })
  owner!: string | null;

  @Column(bigintColumn())
  leaseUntil!: number;

  /** The last claim; 0 before the first. A value's life, a suspicion and the overlap count from it. */
  @Column(bigintColumn())
  claimedAt!: number;

  /** When the last fetch was settled; 0 before the first. The floor counts from it as well as from the claim. */
  @Column(bigintColumn())
  fetchEndedAt!: number;

  /** 1 when the last claim was for a forced refresh. */
  @Column({ type: 'int' })
  attemptForced!: number;

  /** The account's configVersion at the last claim. */
  @Column({ type: 'int' })
  configVersion!: number;

  @Column(bigintColumn())
  obtainedAt!: number;

  @Column(bigintColumn())
  expiresAt!: number;

  @Column(bigintColumn())
  lifetimeMs!: number;

  /** The first attempt of unknown outcome since the last commit. */
  @Column(bigintColumn({ nullable: true }))
  suspectAt!: number | null;

  @Column({ type: 'int' })
  unknownOutcomes!: number;

  /** When WeChat refused the value of this version. */
  @Column(bigintColumn({ nullable: true }))
  deadAt!: number | null;

  /** 1 when WeChat refuses the value and an ordinary fetch returned it again: only a forced one helps. */
  @Column({ type: 'int' })
  forceNext!: number;

  /** When a refresh is wanted next: the due time, or the end of a pause after a failure. */
  @Column(bigintColumn())
  nextAttemptAt!: number;

  /** Failed attempts in a row. */
  @Column({ type: 'int' })
  failures!: number;

  /** JSON of {@link RefreshFailure}; null after a success. */
  @Column({ type: 'text', nullable: true })
  lastError!: string | null;

  /** When the ledger will be full again (see ledger.ts). */
  @Column(bigintColumn())
  ledgerFullAt!: number;

  /** The forced refreshes of the last 24 h, as times joined by commas. */
  @Column({ type: 'text' })
  forcedAt!: string;

  /** The day (of China) that `callsToday` counts. */
  @Column({ type: 'int' })
  callsDay!: number;

  @Column({ type: 'int' })
  callsToday!: number;

  /** How often a value died that nobody here replaced. */
  @Column({ type: 'int' })
  foreignRotations!: number;
}
