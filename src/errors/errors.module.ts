import { Global, Module } from '@nestjs/common';
import { FatalErrors } from './fatal-errors.js';

@Global()
@Module({ providers: [FatalErrors], exports: [FatalErrors] })
export class ErrorsModule {}
