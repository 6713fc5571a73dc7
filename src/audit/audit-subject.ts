import type { FastifyRequest } from 'fastify';
import { appId as AppId } from '../config/parsers.js';
import { scrubText } from '../errors/redaction.js';
import { escapeUnseen } from '../errors/unseen-text.js';

/** What an action is about, as far as the request tells before anybody has checked it. */
export interface AuditSubject {
  readonly appId: string | null;
  readonly target: string | null;
  readonly reason: string | null;
}

/** Ids of clients and keys; no longer than a UUID, so that a key sent in the place of an id is not kept. */
const ID = /^[a-z0-9][a-z0-9_-]{0,35}$/;
const LONGEST_REASON = 200;

/**
 * Only what has the form of an id is taken: an audit is kept for long and read by many, so what somebody
 * pasted into the wrong place must not get into it.
 */
export function subjectOf({ params, body }: Pick<FastifyRequest, 'params' | 'body'>): AuditSubject {
  const path = fieldsOf(params);
  const sent = fieldsOf(body);
  const appId = AppId.safeParse(path.app_id ?? sent.app_id);
  const ids = [path.id ?? sent.id, path.key_id].filter((id) => typeof id === 'string');
  return {
    appId: appId.success ? appId.data : null,
    target: ids.length > 0 && ids.every((id) => ID.test(id)) ? ids.join('/') : null,
    reason: typeof sent.reason === 'string' ? readable(sent.reason) : null,
  };
}

/** It has not been validated yet: PostgreSQL refuses NUL, and some characters reverse the text that a reader sees. */
function readable(reason: string): string {
  return scrubText(escapeUnseen(reason)).slice(0, LONGEST_REASON);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
