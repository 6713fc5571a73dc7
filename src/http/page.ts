import { z } from 'zod';
import { validationFailed } from './validation.errors.js';

const DEFAULT_LIMIT = 50;
const LARGEST_LIMIT = 200;
const LONGEST_CURSOR = 512;

/** The two fields that every list is asked with; spread into the `z.strictObject` of its query. */
export const pageFields = {
  cursor: z.string().min(1).max(LONGEST_CURSOR).optional().meta({
    description: '`next_cursor` of the page before; opaque.',
  }),
  limit: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(LARGEST_LIMIT))
    .default(DEFAULT_LIMIT)
    .meta({ description: `Items of a page, 1 to ${LARGEST_LIMIT}; ${DEFAULT_LIMIT} unless told.` }),
};

/** Fields of a position. Bounded, since they go into a statement: no text that a database refuses. */
export const cursorFields = {
  atMs: z.int().nonnegative(),
  id: z.string().regex(/^[\w:.-]{1,64}$/),
};

export interface Page<Item> {
  readonly items: Item[];
  readonly next_cursor: string | null;
}

/** The answer of a list, for `/openapi.json`. */
export function pageSchema<Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ items: z.ZodArray<Item>; next_cursor: z.ZodNullable<z.ZodString> }> {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().meta({ description: 'Null on the last page.' }),
  });
}

/**
 * Where a page goes on: the position of the last item of the one before. Whoever calls has no use for
 * what is in it, and a position that was made up is checked like any other input.
 * @throws AppError `validation_failed` for what {@link toPage} has not made
 */
export function decodeCursor<Position>(
  schema: z.ZodType<Position>,
  cursor: string | undefined,
): Position | undefined {
  if (cursor === undefined) {
    return undefined;
  }
  const parsed = schema.safeParse(parse(cursor));
  if (!parsed.success) {
    throw validationFailed('query', [
      { path: ['cursor'], message: 'is no cursor of this list; leave it out to begin anew' },
    ]);
  }
  return parsed.data;
}

/**
 * @param rows one more than `limit` where there are more: ask for `limit + 1`
 * @param positionOf what {@link decodeCursor} gives back
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  positionOf: (row: Row) => unknown,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toItem),
    next_cursor: rows.length > limit && last !== undefined ? encode(positionOf(last)) : null,
  };
}

function encode(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function parse(cursor: string): unknown {
  // Node passes over what is no base64url.
  if (!/^[\w-]+$/.test(cursor)) {
    return undefined;
  }
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
