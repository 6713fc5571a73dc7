import { Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { ReadCountModule } from './read-count.module.js';

/** The admin API of the audit. Apart from AuditModule, which is global and must not hold the counts of reads. */
@Module({ imports: [ReadCountModule], controllers: [AuditController] })
export class AuditApiModule {}
