import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';

/** A part of a table that is read newest first. */
export interface NewestFirst {
  /** Only what comes after this place: earlier rows, and of those at `atMs` the ones with a smaller `id`, if it is given. */
  readonly after?: { readonly atMs: number; readonly id?: string } | undefined;
  /** Inclusive. */
  readonly sinceMs?: number | undefined;
  /** Exclusive. */
  readonly untilMs?: number | undefined;
  readonly limit: number;
}

/**
 * Orders and bounds a query by time and id, in a form that an index on the time serves however deep the page.
 * @param at the column of the time, as `alias.property`
 * @param id a column that tells rows of the same millisecond apart
 */
export function newestFirst<Entity extends ObjectLiteral>(
  query: SelectQueryBuilder<Entity>,
  at: string,
  id: string,
  { after, sinceMs, untilMs, limit }: NewestFirst,
): SelectQueryBuilder<Entity> {
  if (after?.id !== undefined) {
    query.andWhere(`${at} <= :afterMs AND (${at} < :afterMs OR ${id} < :afterId)`, {
      afterMs: after.atMs,
      afterId: after.id,
    });
  } else if (after !== undefined) {
    query.andWhere(`${at} < :afterMs`, { afterMs: after.atMs });
  }
  if (sinceMs !== undefined) {
    query.andWhere(`${at} >= :sinceMs`, { sinceMs });
  }
  if (untilMs !== undefined) {
    query.andWhere(`${at} < :untilMs`, { untilMs });
  }
  return query.orderBy(at, 'DESC').addOrderBy(id, 'DESC').limit(limit);
}
