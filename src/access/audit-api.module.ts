import { Module } from '@nestjs/common';
import { ReadCountModule } from '../audit/read-count.module.js';
import { AuditController } from './audit.controller.js';

/** Apart from AccessModule, whose guards want no database. */
@Module({ imports: [ReadCountModule], controllers: [AuditController] })
export class AuditApiModule {}
