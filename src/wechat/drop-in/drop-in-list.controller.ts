import { Controller, Get, Header } from '@nestjs/common';
import {
  ApiDefaultResponse,
  ApiOkResponse,
  ApiOperation,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import type { z } from 'zod';
import { DropInAccess } from '../../access/drop-in-access.decorator.js';
import type { IpListKind } from '../ip-list/ip-list.dto.js';
import { IpService } from '../ip-list/ip.service.js';
import { DropInIpAnswer, DropInProblem } from './drop-in.dto.js';
import { HeldToken } from './drop-in.request.js';
import { HeldTokenGuard } from './held-token.guard.js';

/** What an SDK asks WeChat for with its access_token, and we hold already. */
@ApiTags('drop-in')
@ApiSecurity('wechat_access_token', ['access_token'])
@ApiDefaultResponse({
  description: 'An error, with HTTP 200 as at WeChat',
  standardSchema: DropInProblem,
})
@Controller('cgi-bin')
export class DropInListController {
  constructor(private readonly ips: IpService) {}

  @Get('getcallbackip')
  @Header('cache-control', 'no-store')
  @DropInAccess(HeldTokenGuard, 'ip:read')
  @ApiOperation({ summary: 'getCallbackIp of WeChat, for SDKs' })
  @ApiOkResponse({ standardSchema: DropInIpAnswer })
  callback(@HeldToken() appId: string): Promise<z.infer<typeof DropInIpAnswer>> {
    return this.list(appId, 'callback');
  }

  @Get('get_api_domain_ip')
  @Header('cache-control', 'no-store')
  @DropInAccess(HeldTokenGuard, 'ip:read')
  @ApiOperation({ summary: 'getApiDomainIp of WeChat, for SDKs' })
  @ApiOkResponse({ standardSchema: DropInIpAnswer })
  api(@HeldToken() appId: string): Promise<z.infer<typeof DropInIpAnswer>> {
    return this.list(appId, 'api');
  }

  private async list(appId: string, kind: IpListKind): Promise<z.infer<typeof DropInIpAnswer>> {
    const { ranges } = await this.ips.list(appId, kind);
    return { ip_list: ranges.map(({ entry }) => entry) };
  }
}
