import type { ColumnOptions } from 'typeorm';

/**
 * Column options that mean the same on SQLite, PostgreSQL and MySQL, for entities. The migrations spell
 * the same types out; a test holds the two together.
 */

/** A whole number beyond 32 bits. The servers' drivers return it as a string, SQLite's as a number. */
export function bigintColumn(options: ColumnOptions = {}): ColumnOptions {
  return { ...options, type: 'bigint', transformer: bigintAsNumber };
}

/** What every statement sets that changes a row that every replica holds in memory. */
export function changedNow(database: { readonly nowMs: string }): {
  revision: () => string;
  updatedAt: () => string;
} {
  return { revision: () => 'revision + 1', updatedAt: () => database.nowMs };
}

export const bigintAsNumber = {
  to: (value: unknown): unknown => value,
  from: (value: string | number | null): number | null => (value === null ? null : Number(value)),
};
