import { Module } from '@nestjs/common';
import { ReadCountModule } from '../../audit/read-count.module.js';
import { AccessTokenModule } from '../access-token/access-token.module.js';
import { CredentialModule } from '../credentials/credential.module.js';
import { IpListModule } from '../ip-list/ip-list.module.js';
import { TicketsModule } from '../tickets/tickets.module.js';
import { DropInListController } from './drop-in-list.controller.js';
import { DropInTicketController } from './drop-in-ticket.controller.js';
import { DropInTokenController } from './drop-in-token.controller.js';
import { TokenIndexService } from './token-index.service.js';
import { DropInTokenService } from './drop-in-token.service.js';

/**
 * WeChat's own endpoints for SDKs that can be given another host (docs/sdks.md). Its filter is put in by
 * server/create-app.ts, since it answers for the router and the parser as well.
 */
@Module({
  imports: [AccessTokenModule, CredentialModule, IpListModule, ReadCountModule, TicketsModule],
  controllers: [DropInTokenController, DropInListController, DropInTicketController],
  providers: [DropInTokenService, TokenIndexService],
})
export class DropInModule {}
