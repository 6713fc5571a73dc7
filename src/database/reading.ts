/**
 * When a statement that reads rows was sent and when it was answered, counted over all readings of this process.
 * A database answers readings that do not overlap in their order, so the later one of two is the one to believe.
 */
export interface Reading {
  readonly begun: number;
  readonly ended: number;
}

/** Every other reading comes after it. */
export const FIRST_READING: Reading = { begun: 0, ended: 0 };

let count = 0;

/** Runs a statement that reads rows, and says when. */
export async function read<Rows>(
  statement: () => Promise<Rows>,
): Promise<{ readonly rows: Rows; readonly reading: Reading }> {
  count += 1;
  const begun = count;
  const rows = await statement();
  count += 1;
  return { rows, reading: { begun, ended: count } };
}
