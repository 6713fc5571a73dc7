import { Controller, Get, Headers, Param, Res, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { ClientGuard } from '../../access/client.guard.js';
import { RequireScope } from '../../access/require-scope.decorator.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { ValidQuery } from '../../http/validation.decorator.js';
import { ContainsAnswer, ContainsQuery, IpListAnswer, IpListQuery } from './ip-list.dto.js';
import { IpService } from './ip.service.js';

/** WeChat's addresses: as a list for firewalls, and one address held against it. */
@ApiTags('IP list')
@ApiParam({ name: 'app_id', example: 'wx0123456789abcdef' })
@Controller('v1/accounts/:app_id/ip-list')
@UseGuards(ClientGuard)
@ApiProblems(
  'validation_failed',
  'token_unavailable',
  'database_unavailable',
  'wechat_error',
  'wechat_unreachable',
  'wechat_timeout',
)
export class IpListController {
  constructor(private readonly ips: IpService) {}

  @Get()
  @RequireScope('ip:read')
  @ApiOperation({ summary: 'The addresses of WeChat; one a line with `Accept: text/plain`' })
  @ApiOkResponse({ standardSchema: IpListAnswer })
  async list(
    @Param('app_id') appId: string,
    @ValidQuery(IpListQuery) { kind }: z.infer<typeof IpListQuery>,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof IpListAnswer> | string> {
    const { ranges, fetchedAtMs, isStale } = await this.ips.list(appId, kind);
    const entries = ranges.map(({ entry }) => entry);
    void reply.header('vary', 'accept');
    if (prefersPlainText(accept)) {
      void reply.type('text/plain; charset=utf-8');
      return entries.map((entry) => `${entry}\n`).join('');
    }
    return {
      app_id: appId,
      kind,
      ip_list: entries,
      fetched_at: new Date(fetchedAtMs).toISOString(),
      stale: isStale,
    };
  }

  @Get('contains')
  @RequireScope('ip:read')
  @ApiOperation({ summary: "Whether an address is one of WeChat's" })
  @ApiOkResponse({ standardSchema: ContainsAnswer })
  async contains(
    @Param('app_id') appId: string,
    @ValidQuery(ContainsQuery) { ip, kind }: z.infer<typeof ContainsQuery>,
  ): Promise<z.infer<typeof ContainsAnswer>> {
    const matched = await this.ips.contains(appId, kind, ip);
    return { ip, contains: matched !== undefined, matched: matched ?? null };
  }
}

/** RFC 9110, 12.5.1: the range that names a type best gives its weight. JSON unless text weighs more. */
function prefersPlainText(accept = '*/*'): boolean {
  const weights = new Map(
    accept.split(',').map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='));
      return [type, weight === undefined ? 1 : Number(weight.slice(2))];
    }),
  );
  const json =
    weights.get('application/json') ?? weights.get('application/*') ?? weights.get('*/*') ?? 0;
  const text = weights.get('text/plain') ?? weights.get('text/*') ?? weights.get('*/*') ?? 0;
  return text > json;
}
