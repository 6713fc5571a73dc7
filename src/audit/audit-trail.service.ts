import { Injectable } from '@nestjs/common';
import type { NewestFirst } from '../database/newest-first.js';

/** One line of the audit, whichever table it comes from. */
export interface AuditEntry {
  /** With the source's name and the time, the place of a page's end. */
  readonly id: string;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly appId: string | null;
  readonly target: string | null;
  readonly outcome: string;
  /** How many times within the minute, where that is counted. */
  readonly count: number;
  readonly source: string | null;
  readonly requestId: string | null;
  readonly versionBefore: number | null;
  readonly versionAfter: number | null;
  readonly replica: string;
  readonly reason: string | null;
}

export interface AuditFilter {
  readonly appId?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  /** As it is shown, or its word alone for every code. */
  readonly outcome?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export type AuditQuery = AuditFilter & NewestFirst;

/** A table that has a part of the audit. */
export interface AuditSource {
  /** Never changed: pages that are being read hold it. */
  readonly name: string;
  /** Newest first; of the same millisecond the greater id first. @throws DatabaseError */
  find(query: AuditQuery): Promise<AuditEntry[]>;
}

export interface TrailPosition {
  readonly atMs: number;
  readonly source: string;
  readonly id: string;
}

/** An entry, and where in the whole trail it stands. */
export interface TrailEntry extends AuditEntry {
  readonly position: TrailPosition;
}

/**
 * Who did what, merged over the tables of all features that register theirs. The order is total: newest
 * first, then by the name of the source, then by the source's own order, so that pages neither repeat
 * nor leave out a row.
 */
@Injectable()
export class AuditTrailService {
  private sources: readonly AuditSource[] = [];

  register(source: AuditSource): void {
    this.sources = [...this.sources, source].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws DatabaseError */
  async find(
    filter: AuditFilter,
    after: TrailPosition | undefined,
    limit: number,
  ): Promise<TrailEntry[]> {
    const parts = await Promise.all(
      this.sources.map(async (source) => {
        const query = { ...filter, after: after && placeIn(source, after), limit };
        return (await source.find(query)).map((entry) => withPosition(entry, source));
      }),
    );
    return parts
      .flat()
      .sort((a, b) => b.atMs - a.atMs)
      .slice(0, limit);
  }
}

/** Of the millisecond at which the last page ended, sources before its own are done, and those behind it are not. */
function placeIn({ name }: AuditSource, { atMs, source, id }: TrailPosition): NewestFirst['after'] {
  if (name === source) {
    return { atMs, id };
  }
  return { atMs: name < source ? atMs : atMs + 1 };
}

function withPosition(entry: AuditEntry, { name }: AuditSource): TrailEntry {
  return { ...entry, position: { atMs: entry.atMs, source: name, id: entry.id } };
}
