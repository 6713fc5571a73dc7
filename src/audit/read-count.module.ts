import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ReadCountEntity } from './read-count.entity.js';
import { ReadCountRepository } from './read-count.repository.js';
import { ReadCountScheduler } from './read-count.scheduler.js';
import { ReadCounter } from './read-counter.js';

/**
 * Not global: the last shutdown hooks are those of global modules, and the connection to the database is
 * closed among them, before the last reads would be written.
 */
@Module({
  imports: [TypeOrmModule.forFeature([ReadCountEntity])],
  providers: [ReadCountRepository, ReadCountScheduler, ReadCounter],
  exports: [ReadCountRepository, ReadCounter],
})
export class ReadCountModule {}
