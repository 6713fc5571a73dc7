import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ReadCountEntity } from './read-count.entity.js';
import { ReadCountRepository } from './read-count.repository.js';
import { ReadCountScheduler } from './read-count.scheduler.js';
import { ReadCounter } from './read-counter.js';

/**
 * Never global: shutdown hooks of global modules run last, and one of them closes the connection to the
 * database. The last counts must be written before.
 */
@Module({
  imports: [TypeOrmModule.forFeature([ReadCountEntity])],
  providers: [ReadCountRepository, ReadCountScheduler, ReadCounter],
  exports: [ReadCountRepository, ReadCounter],
})
export class ReadCountModule {}
