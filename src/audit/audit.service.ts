import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DatabaseError, toDatabaseError } from '../database/database-error.js';
import { RetentionService } from '../database/retention.service.js';
import { AppError } from '../errors/app-error.js';
import { ERROR_STATUS } from '../http/error-status.js';
import { toAppError } from '../http/to-app-error.js';
import { REPLICA } from '../observability/replica.js';
import type { AuditAction } from './audit-action.js';
import type { AuditNotes } from './audit-notes.js';
import type { AuditSubject } from './audit-subject.js';
import { AuditTrailService, type AuditEntry, type AuditQuery } from './audit-trail.service.js';
import { AuditEntity } from './audit.entity.js';
import { AuditRepository } from './audit.repository.js';
import type { Origin } from './origin.js';

/**
 * Writes down what admins do, ahead of it: an action whose row cannot be written does not happen.
 *
 *   started ──▶ ok · refused:<code> (the request was at fault) · failed:<code> (from 500 on)
 *
 * A row that cannot be closed stays `started`: it was begun, and how it ended is not known from here.
 */
@Injectable()
export class AuditService implements OnModuleInit {
  private readonly logger = new Logger(AuditService.name);

  constructor(
    private readonly repository: AuditRepository,
    private readonly trail: AuditTrailService,
    private readonly retention: RetentionService,
  ) {}

  onModuleInit(): void {
    this.trail.register({ name: 'admin', find: (query) => this.find(query) });
    this.retention.register({ name: 'wtc_audit', entity: AuditEntity, since: 'at' });
  }

  /**
   * @returns the id of the row
   * @throws AppError `database_unavailable`; the action must not be done then
   */
  async open(action: AuditAction, origin: Origin, subject: AuditSubject): Promise<string> {
    const id = randomUUID();
    try {
      await this.repository.open({ id, action, ...origin, ...subject, replica: REPLICA });
    } catch (error) {
      if (!(error instanceof DatabaseError)) {
        throw error;
      }
      throw new AppError(
        'database_unavailable',
        `Nothing was done, because the audit entry could not be stored: ${error.message.replace(/\.$/, '')}. Repeat the request once the database accepts writes again.`,
        { retryAfterSeconds: 1, cause: error },
      );
    }
    return id;
  }

  /** Never rejects. */
  async succeed(id: string, notes: AuditNotes): Promise<void> {
    await this.close(id, 'ok', notes);
  }

  /** @param thrown what the action ended with. Never rejects. */
  async fail(id: string, thrown: unknown, notes: AuditNotes): Promise<void> {
    const { code } = toAppError(thrown);
    await this.close(
      id,
      `${ERROR_STATUS[code].status < 500 ? 'refused' : 'failed'}:${code}`,
      notes,
    );
  }

  private async find(query: AuditQuery): Promise<AuditEntry[]> {
    const rows = await this.repository.find(query);
    return rows.map(({ at, ...row }) => ({ ...row, atMs: at, count: 1 }));
  }

  private async close(id: string, outcome: string, notes: AuditNotes): Promise<void> {
    try {
      await this.repository.close(id, { outcome, ...notes });
    } catch (error) {
      this.logger.error({
        event: 'audit_not_closed',
        audit_id: id,
        outcome,
        reason: toDatabaseError(error).driverCode,
        advice: 'the row stays `started`; this line tells how the action ended',
      });
    }
  }
}
