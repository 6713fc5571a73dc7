import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { closedObject, jsonBody } from './closed-object.js';
import { FaultInputSchema } from '../faults/fault.dto.js';
import type { Fault, FaultSpec } from '../faults/fault.dto.js';
import { FaultService } from '../faults/fault.service.js';

const ClearQuerySchema = closedObject({ path: z.string().optional() });
const IdSchema = z.coerce.number<string>().int();

@Controller('__simulator/faults')
export class ControlFaultsController {
  constructor(private readonly faults: FaultService) {}

  /** Only those that still wait for calls. */
  @Get()
  list(): { faults: Fault[] } {
    return { faults: this.faults.all() };
  }

  @Post()
  add(@Body({ schema: jsonBody(FaultInputSchema) }) fault: FaultSpec): Fault {
    return this.faults.add(fault);
  }

  @Delete()
  @HttpCode(204)
  clear(@Query({ schema: ClearQuerySchema }) query: { path?: string }): void {
    this.faults.clear(query.path);
  }

  @Delete(':id')
  @HttpCode(204)
  remove(@Param('id', { schema: IdSchema }) id: number): void {
    this.faults.remove(id);
  }
}
