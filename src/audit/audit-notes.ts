import type { FastifyRequest } from 'fastify';

const NOTES = Symbol('audit notes');

interface Carrier {
  [NOTES]?: AuditNotes;
}

/** What only the handler knows of an action: it goes into the row when that is closed. */
export interface AuditNotes {
  readonly appId?: string;
  /** The id of a client, or of a client and a key as `client/key`. Never a key. */
  readonly target?: string;
  readonly versionBefore?: number;
  readonly versionAfter?: number;
}

/** Adds to the audit row of the action that this request carries out; a later note wins. */
export function noteAudit(request: FastifyRequest, notes: AuditNotes): void {
  const carrier = request as Carrier;
  carrier[NOTES] = { ...carrier[NOTES], ...notes };
}

export function auditNotesOf(request: FastifyRequest): AuditNotes {
  return (request as Carrier)[NOTES] ?? {};
}
