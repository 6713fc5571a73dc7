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
  @PrimaryColumn({ name: 'id', type: 'varchar', length: 36 })
  id!: string;

  @Column({ name: 'app_id', type: 'varchar', length: 32 })
  appId!: string;

  @Column({ name: 'kind', type: 'varchar', length: 32 })
  kind!: string;

  /** The token or ticket, sealed; null before the first. */
  @Column({ name: 'value', type: 'text', nullable: true })
  value!: string | null;

  /** Of the value that the last commit replaced (value-hash.ts); null where there was none. */
  @Column({ name: 'previous_hash', type: 'varchar', length: 43, nullable: true })
  previousHash!: string | null;

  /** Until when WeChat accepts that one beside the current value; null where it does not at all. */
  @Column(bigintColumn('previous_until', { nullable: true }))
  previousUntil!: number | null;

  @Column(bigintColumn('version'))
  version!: number;

  @Column(bigintColumn('fence'))
  fence!: number;

  @Column(bigintColumn('revision'))
  revision!: number;

  @Column(bigintColumn('updated_at'))
  updatedAt!: number;

  /** Who has claimed the row; null when nothing is in flight. */
  @Column({ name: 'owner', type: 'varchar', length: 64, nullable: true })
  owner!: string | null;

  @Column(bigintColumn('lease_until'))
  leaseUntil!: number;

  /** The last claim; 0 before the first. A value's life, a suspicion and the overlap count from it. */
  @Column(bigintColumn('claimed_at'))
  claimedAt!: number;

  /** When the last fetch was settled; 0 before the first. The floor counts from it as well as from the claim. */
  @Column(bigintColumn('fetch_ended_at'))
  fetchEndedAt!: number;

  /** 1 when the last claim was for a forced refresh. */
  @Column({ name: 'attempt_forced', type: 'int' })
  attemptForced!: number;

  /** The account's configVersion at the last claim. */
  @Column({ name: 'config_version', type: 'int' })
  configVersion!: number;

  @Column(bigintColumn('obtained_at'))
  obtainedAt!: number;

  @Column(bigintColumn('expires_at'))
  expiresAt!: number;

  @Column(bigintColumn('lifetime_ms'))
  lifetimeMs!: number;

  /** The first attempt of unknown outcome since the last commit. */
  @Column(bigintColumn('suspect_at', { nullable: true }))
  suspectAt!: number | null;

  @Column({ name: 'unknown_outcomes', type: 'int' })
  unknownOutcomes!: number;

  /** When WeChat refused the value of this version. */
  @Column(bigintColumn('dead_at', { nullable: true }))
  deadAt!: number | null;

  /** 1 when WeChat refuses the value and an ordinary fetch returned it again: only a forced one helps. */
  @Column({ name: 'force_next', type: 'int' })
  forceNext!: number;

  /** When a refresh is wanted next: the due time, or the end of a pause after a failure. */
  @Column(bigintColumn('next_attempt_at'))
  nextAttemptAt!: number;

  /** Failed attempts in a row. */
  @Column({ name: 'failures', type: 'int' })
  failures!: number;

  /** JSON of {@link RefreshFailure}; null after a success. */
  @Column({ name: 'last_error', type: 'text', nullable: true })
  lastError!: string | null;

  /** When the ledger will be full again (see ledger.ts). */
  @Column(bigintColumn('ledger_full_at'))
  ledgerFullAt!: number;

  /** The forced refreshes of the last 24 h, as times joined by commas. */
  @Column({ name: 'forced_at', type: 'text' })
  forcedAt!: string;

  /** The day (of China) that `callsToday` counts. */
  @Column({ name: 'calls_day', type: 'int' })
  callsDay!: number;

  @Column({ name: 'calls_today', type: 'int' })
  callsToday!: number;

  /** How often a value died that nobody here replaced. */
  @Column({ name: 'foreign_rotations', type: 'int' })
  foreignRotations!: number;
}
