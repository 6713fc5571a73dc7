import { SetMetadata } from '@nestjs/common';
import type { AuditedAction } from './audit-action.js';

const ACTION = 'audit:action';

/** The mark alone; features use {@link Audited}, which also sees to the row. */
export function markAudited(action: AuditedAction): MethodDecorator {
  return SetMetadata(ACTION, action);
}

export function auditedAction(handler: object): AuditedAction | undefined {
  return Reflect.getMetadata(ACTION, handler) as AuditedAction | undefined;
}
