import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AccountsService } from './accounts.service.js';
import { AppCredentialsService } from './app-credentials.service.js';
import { CallHooksService } from './call-hooks.service.js';
import { CallerPolicy } from './caller.policy.js';
import { ControlAccountsController } from './control-accounts.controller.js';
import { ControlFaultsController } from './control-faults.controller.js';
import { ControlFilter } from './control.filter.js';
import { ControlJournalController } from './control-journal.controller.js';
import { ControlStateController } from './control-state.controller.js';
import { ControlTokensController } from './control-tokens.controller.js';
import { FaultService } from './fault.service.js';
import { FaultStrikeService } from './fault-strike.service.js';
import { ForeignMintService } from './foreign-mint.service.js';
import { InitialState } from './initial-state.js';
import { IpListController } from './ip-list.controller.js';
import { JournalService } from './journal.service.js';
import { MessageController } from './message.controller.js';
import { SettingsService } from './settings.service.js';
import { SimulatedClock } from './simulated-clock.js';
import { StableTokenController } from './stable-token.controller.js';
import { TicketController } from './ticket.controller.js';
import { TokenAnswerService } from './token-answer.service.js';
import { TokenController } from './token.controller.js';
import { TokenIssuerService } from './token-issuer.service.js';
import { UnknownPathController } from './unknown-path.controller.js';
import { WechatErrorFilter } from './wechat-error.filter.js';

/** WeChat's own behaviour, as an application of its own: the service never imports it, nor it the service. */
@Module({})
export class SimulatorModule {
  static startingAs(initial: InitialState): DynamicModule {
    return {
      module: SimulatorModule,
      controllers: [
        TokenController,
        StableTokenController,
        IpListController,
        TicketController,
        MessageController,
        ControlStateController,
        ControlAccountsController,
        ControlTokensController,
        ControlFaultsController,
        ControlJournalController,
        UnknownPathController,
      ],
      providers: [
        { provide: InitialState, useValue: initial },
        SimulatedClock,
        SettingsService,
        AccountsService,
        CallerPolicy,
        AppCredentialsService,
        TokenIssuerService,
        TokenAnswerService,
        ForeignMintService,
        FaultService,
        FaultStrikeService,
        JournalService,
        CallHooksService,
        // The later filter is asked first: WechatErrorFilter takes what is its own.
        { provide: APP_FILTER, useClass: ControlFilter },
        { provide: APP_FILTER, useClass: WechatErrorFilter },
      ],
    };
  }
}
