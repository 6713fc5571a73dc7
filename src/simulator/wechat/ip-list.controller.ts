import { Controller } from '@nestjs/common';
import { SettingsService } from '../control/settings.service.js';
import { TokenEndpoint } from './wechat-endpoint.decorator.js';

interface IpListAnswer {
  ip_list: string[];
}

/** Success has no errcode. The lists are settings; by default they hold CIDR and repeat themselves. */
@Controller()
export class IpListController {
  constructor(private readonly settings: SettingsService) {}

  @TokenEndpoint('GET', '/cgi-bin/getcallbackip')
  callback(): IpListAnswer {
    return { ip_list: this.settings.current.callback_ip_list };
  }

  @TokenEndpoint('GET', '/cgi-bin/get_api_domain_ip')
  apiDomain(): IpListAnswer {
    return { ip_list: this.settings.current.api_domain_ip_list };
  }
}
