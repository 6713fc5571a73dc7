import type { FollowedRow, HeldRow } from './replica-sync.policy.js';

/** A table of which every replica holds all rows in memory, as {@link ReplicaSyncService} follows it. */
export interface FollowedTable<Row extends FollowedRow> {
  /** Has the columns `revision` and `updated_at`, which every statement sets that changes a row (`changedNow`). */
  readonly entity: new () => Row;
  /**
   * Takes over rows that are new or others than before; rows that mark a removal too. Synchronous: what has to be
   * written because of them is written after the round.
   */
  adopt(rows: readonly Row[], reading: HeldRow['reading']): void;
  /** Rows that are gone, by their primary keys. */
  remove(ids: readonly string[]): void;
  /**
   * Memory equals the table, as it was at this time of the database's clock at the earliest.
   * Comes with every round, also when nothing has changed.
   */
  inStep?(readAtMs: number): void;
  /**
   * The rows that memory knows, by primary key, whatever came of them. Only where rows are read outside of the rounds
   * as well; for other tables the rounds keep count themselves.
   */
  held?(): ReadonlyMap<string, HeldRow>;
}
