import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ReadCountModule } from '../../audit/read-count.module.js';
import { AccessTokenModule } from '../access-token/access-token.module.js';
import { CredentialModule } from '../credentials/credential.module.js';
import { TicketClient } from './ticket.client.js';
import { TicketController } from './ticket.controller.js';
import { TicketDemandEntity } from './ticket-demand.entity.js';
import { TicketDemandRepository } from './ticket-demand.repository.js';
import { TicketDemandScheduler } from './ticket-demand.scheduler.js';
import { TicketDemandService } from './ticket-demand.service.js';
import { TicketKindsService } from './ticket-kinds.service.js';
import { TicketService } from './ticket.service.js';

/** jsapi and wx_card tickets: a second kind of credential, kept alive by the same engine. */
@Module({
  imports: [
    AccessTokenModule,
    CredentialModule,
    ReadCountModule,
    TypeOrmModule.forFeature([TicketDemandEntity]),
  ],
  controllers: [TicketController],
  providers: [
    TicketClient,
    TicketDemandRepository,
    TicketDemandScheduler,
    TicketDemandService,
    TicketKindsService,
    TicketService,
  ],
  exports: [TicketService],
})
export class TicketsModule {}
