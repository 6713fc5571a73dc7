import { Controller, Get, Header, Res } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { Public } from '../access/public.decorator.js';
import { Liveness, ReadinessAnswer } from './health.dto.js';
import { Readiness } from './readiness.js';

@ApiTags('health')
@Public()
@Controller()
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** Depends on nothing: a database check here would restart every replica at once. */
  @Get('healthz')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'The process answers' })
  @ApiOkResponse({ standardSchema: Liveness })
  healthz(): z.infer<typeof Liveness> {
    return { status: 'ok' };
  }

  @Get('readyz')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'The process should be sent requests' })
  @ApiOkResponse({ standardSchema: ReadinessAnswer })
  @ApiServiceUnavailableResponse({ standardSchema: ReadinessAnswer, description: 'Not now' })
  readyz(@Res({ passthrough: true }) reply: FastifyReply): z.infer<typeof ReadinessAnswer> {
    const reasons = this.readiness.reasons();
    if (reasons.length === 0) {
      return { status: 'ready' };
    }
    reply.code(503);
    return { status: 'unready', reasons };
  }
}
