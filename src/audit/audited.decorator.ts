import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { ApiProblems } from '../http/api-problems.decorator.js';
import type { AuditAction } from './audit-action.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { markAudited } from './audited-action.js';

/**
 * Every admin route that changes something has it, or the service does not start. The action's row is
 * written first; what only the handler knows it adds with {@link noteAudit}:
 *
 *     @Post(':app_id/access-token/refresh')
 *     @Audited('token.refresh')
 */
export function Audited(action: AuditAction): MethodDecorator {
  return applyDecorators(
    markAudited(action),
    UseInterceptors(AuditInterceptor),
    ApiProblems('database_unavailable'),
  );
}
