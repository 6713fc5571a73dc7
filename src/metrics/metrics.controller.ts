import { Controller, Get, Res, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ClientGuard } from '../access/client.guard.js';
import type { Client } from '../access/client-directory.js';
import { CurrentClient } from '../access/current-client.decorator.js';
import { RequireScope } from '../access/require-scope.decorator.js';
import { MetricsRegistry } from '../observability/metrics-registry.js';
import { withAccountsOnly } from './visible-series.js';

/** The figures of this process, for Prometheus. */
@ApiTags('metrics')
@Controller('metrics')
@UseGuards(ClientGuard)
export class MetricsController {
  constructor(private readonly registry: MetricsRegistry) {}

  @Get()
  @RequireScope('metrics:read')
  @ApiOperation({
    summary: 'Figures of this process, in the text format of Prometheus',
    description: 'A key that is limited to some accounts gets the series of those.',
  })
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' } })
  async scrape(
    @CurrentClient() { accounts }: Client,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    void reply.type(this.registry.contentType).header('cache-control', 'no-store');
    const text = await this.registry.scrape();
    return accounts === 'all' ? text : withAccountsOnly(text, accounts);
  }
}
