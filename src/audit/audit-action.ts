import { Equal, Like, Or, type FindOperator } from 'typeorm';

/** The subject and the verb, such as `account.create`. Rows keep it, so it is never renamed. */
export type AuditAction = `${string}.${string}`;

const CODE = ':<code>';

/** Filled while the features' files are loaded, before the first request. */
const declared = new Map<AuditAction, readonly string[]>();

/**
 * Makes an action known to `?action=` and its outcomes to `?outcome=` of the audit, and to their
 * documentation. Each feature declares what it records, beside the code that records it:
 *
 *     const ACTION = declareAuditAction('account.create', ['ok', 'failed:<code>']);
 *
 * @param outcomes words, with `:<code>` behind those that the row keeps a code with
 */
export function declareAuditAction(action: AuditAction, outcomes: readonly string[]): AuditAction {
  declared.set(action, outcomes);
  return action;
}

export function auditActions(): AuditAction[] {
  return [...declared.keys()].sort();
}

/** What may be asked for: an outcome as it was declared, with a code in its place, or its word alone. */
export function auditOutcomePattern(): RegExp {
  const outcomes = [...new Set([...declared.values()].flat())].sort();
  const forms = outcomes.map((outcome) =>
    outcome.endsWith(CODE) ? `${outcome.slice(0, -CODE.length)}(?::[a-z0-9_-]{1,40})?` : outcome,
  );
  return new RegExp(`^(?:${forms.join('|')})$`);
}

/** Matches a column that holds outcomes as they are shown. A word alone matches it with every code. */
export function outcomeLike(outcome: string): string | FindOperator<string> {
  return outcome.includes(':') ? outcome : Or(Equal(outcome), Like(`${outcome}:%`));
}
