import { Module } from '@nestjs/common';
import { FatalErrors } from './fatal-errors.js';

@Module({ providers: [FatalErrors], exports: [FatalErrors] })
export class ErrorsModule {}
