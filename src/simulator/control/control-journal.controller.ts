import { Controller, Delete, Get, HttpCode, Query } from '@nestjs/common';
import { JournalQuerySchema } from '../journal/journal.dto.js';
import type { JournalQuery, JournalView } from '../journal/journal.dto.js';
import { JournalService } from '../journal/journal.service.js';

@Controller('__simulator/journal')
export class ControlJournalController {
  constructor(private readonly journal: JournalService) {}

  @Get()
  async read(@Query({ schema: JournalQuerySchema }) query: JournalQuery): Promise<JournalView> {
    const { limit, at_least: atLeast, wait_ms: waitMs, ...filter } = query;
    const found = await this.journal.findAtLeast(atLeast, filter, waitMs);
    return {
      entries: found.slice(0, limit),
      count: found.length,
      last_seq: this.journal.lastSeq,
      dropped: this.journal.dropped,
    };
  }

  @Delete()
  @HttpCode(204)
  clear(): void {
    this.journal.clear();
  }
}
