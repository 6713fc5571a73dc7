import { SetMetadata } from '@nestjs/common';
import { declareAuditAction, type AuditAction } from './audit-action.js';

const ACTION = 'audit:action';

/** `started` until it has ended; then by the status that it was answered with. */
const OUTCOMES = ['started', 'ok', 'refused:<code>', 'failed:<code>'];

/** The mark alone; features use {@link Audited}, which also sees to the row. */
export function markAudited(action: AuditAction): MethodDecorator {
  return SetMetadata(ACTION, declareAuditAction(action, OUTCOMES));
}

export function auditedAction(handler: object): AuditAction | undefined {
  return Reflect.getMetadata(ACTION, handler) as AuditAction | undefined;
}
