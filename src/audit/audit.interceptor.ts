import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { defer, lastValueFrom, type Observable } from 'rxjs';
import { auditNotesOf } from './audit-notes.js';
import { subjectOf } from './audit-subject.js';
import { AuditService } from './audit.service.js';
import { auditedAction } from './audited-action.js';
import { originOf } from './origin.js';

/** Around an action of an admin: its row is opened before the handler is called, and closed after. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(private readonly audit: AuditService) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return defer(() => this.carryOut(context, next));
  }

  private async carryOut(context: ExecutionContext, next: CallHandler): Promise<unknown> {
    const action = auditedAction(context.getHandler());
    if (action === undefined) {
      throw new Error(`${context.getClass().name}.${context.getHandler().name} has no @Audited`);
    }
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const id = await this.audit.open(action, originOf(request, 'admin'), subjectOf(request));
    let answer: unknown;
    try {
      answer = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      await this.audit.fail(id, error, auditNotesOf(request));
      throw error;
    }
    await this.audit.succeed(id, auditNotesOf(request));
    return answer;
  }
}
